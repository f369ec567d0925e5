// @ts-check
// The names that highlight.js knows its languages by, so that the page need not load it to ask. Plain text is none.

export const LANGUAGES = new Set(
  (
    "atom bash c c# c++ cc cjs console cpp cs csharp css cts cxx diff gemspec go golang gql graphql gyp h h++ hh hpp " +
    "html hxx ini ipython irb java javascript js json json5 jsonc jsp jsx kotlin kt ktm kts ktx less lua mak make " +
    "makefile markdown md mjs mk mkd mkdown mm mts obj-c obj-c++ objc objective-c++ objectivec patch perl php " +
    "php-template pl plist pluto pm podspec py pycon python python-repl r rb rs rss ruby rust scss sh shell " +
    "shellsession sql svg swift thor toml ts tsx typescript vb vbnet wasm wsf xhtml xjb xml xsd xsl yaml yml zsh"
  ).split(" "),
);
