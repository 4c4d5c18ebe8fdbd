"""sixpx: a self-hosted, compatible implementation of the 6px image-processing API."""

__version__ = "0.1.0"
