"""Static files whose names carry a hash of their content, so that browsers keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage that also rewrites the imports between ES modules."""

    support_js_module_import_aggregation = True
