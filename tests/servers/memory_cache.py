"""Owns a cache in memory for Swift's proxy, in place of memcached: its tokens are kept here. Never shared.

Loaded by the proxy server by the name of this module (`paste.filter_factory`); one process, so a dictionary will do.
"""

import time


class Cache:
    """What Swift asks of a memcache client."""

    def __init__(self):
        self._kept = {}

    def get(self, key, raise_on_error=False):
        value, until = self._kept.get(key, (None, 0))
        return value if not until or until > time.time() else None

    def set(self, key, value, time=0, **others):
        self._kept[key] = (value, _until(time))

    def incr(self, key, delta=1, time=0):
        value = (self.get(key) or 0) + int(delta)
        self._kept[key] = (value, _until(time))
        return value

    def delete(self, key, **others):
        self._kept.pop(key, None)

    def set_multi(self, values, server_key, time=0, **others):
        for key, value in values.items():
            self.set(key, value, time)

    def get_multi(self, keys, server_key):
        return [self.get(key) for key in keys]


def _until(seconds):
    return time.time() + seconds if seconds else 0


def filter_factory(conf, **local):
    cache = Cache()

    def factory(app):
        def call(environ, start):
            environ["swift.cache"] = cache
            return app(environ, start)

        return call

    return factory
