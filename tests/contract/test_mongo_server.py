"""Owns what tests of the MongoDB store ask of their server: outages without loss, databases apart. Never the store."""

from __future__ import annotations

import pytest
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure

from tests.servers.mongo import Mongo, named


@pytest.fixture
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Mongo:
    return Mongo.shared(tmp_path_factory.mktemp("mongo"))


def test_an_outage_refuses_clients_and_keeps_the_data(mongo: Mongo) -> None:
    with MongoClient[dict[str, object]](mongo.fresh(), serverSelectionTimeoutMS=2000) as client:
        jobs = client.get_default_database().jobs
        jobs.insert_one({"_id": "a"})
        mongo.stop()
        try:
            with pytest.raises(ConnectionFailure):
                jobs.insert_one({"_id": "b"})
        finally:
            mongo.start()
        assert jobs.find_one() == {"_id": "a"}


def test_each_fresh_database_is_empty(mongo: Mongo) -> None:
    for _ in range(2):
        with MongoClient[dict[str, object]](mongo.fresh()) as client:
            jobs = client.get_default_database().jobs
            assert jobs.find_one() is None
            jobs.insert_one({"_id": "a"})


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("mongodb://one", "mongodb://one/db"),
        ("mongodb://one:1,two:2/?replicaSet=rs", "mongodb://one:1,two:2/db?replicaSet=rs"),
        ("mongodb://u:p@one", "mongodb://u:p@one/db?authSource=admin"),
        ("mongodb://u:p@one/users?tls=true", "mongodb://u:p@one/db?tls=true&authSource=users"),
        ("mongodb://u:p@one/?authSource=x", "mongodb://u:p@one/db?authSource=x"),
    ],
)
def test_another_database_of_a_server_is_signed_in_to_as_before(uri: str, expected: str) -> None:
    assert named(uri, "db") == expected
