"""What the page costs in the browser, beside a page that draws all of a reply with each piece."""
