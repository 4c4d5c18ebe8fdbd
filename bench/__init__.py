"""End-to-end benchmark: the service over HTTP against a bare libvips loop in the same run. Never imported by sixpx."""
