// @ts-check
// Loads the test module that the page names, runs it, and leaves the report for the browser's driver.

import { run } from "./harness.js";

const page = document.documentElement;
await import(`./${page.dataset.module}`);
page.dataset.report = JSON.stringify(await run());
