"""The HTTP face: the only package that imports aiohttp.web. Every 6px name lives in `v1`, in and out."""
