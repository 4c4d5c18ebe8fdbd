"""The published API, base path /v1: `read` takes requests in, `write` and `versions` put replies out."""
