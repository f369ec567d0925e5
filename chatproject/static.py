"""Static files whose names carry a hash of their content, so that browsers keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage

# Comments on lines of their own, at the end of one (but where a quote follows, for it may be text),
# and JSDoc: a third of what our scripts weigh.
COMMENTS = r"(?ms)(?P<matched>^[ \t]*//[^\n]*\n|[ \t]+//[^\n\"'`]*$|[ \t]*/\*\*.*?\*/(?:[ \t]*\n)?)"
NOTHING = ""


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage that also rewrites the imports between ES modules.

    Our own scripts lose their comments. What is vendored stays byte for byte.
    """

    support_js_module_import_aggregation = True
    patterns = (*CompressedManifestStaticFilesStorage.patterns, ("*.js", ((COMMENTS, NOTHING),)))

    def url_converter(self, name, hashed_files, template=None):
        """As Django's, but what a vendored file names and we do not ship (a source map, fonts in
        older formats) keeps its name."""
        if template == NOTHING:
            ours = name.startswith("chat/")
            return lambda match: NOTHING if ours else match["matched"]
        convert = super().url_converter(name, hashed_files, template)

        def lenient(match):
            try:
                return convert(match)
            except ValueError:
                return match["matched"]

        return lenient if name.startswith("vendor/") else convert
