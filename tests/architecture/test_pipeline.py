"""Travelling containers say who creates and who consumes them, and what they say is true."""

from __future__ import annotations

import re

import pytest

from cte_metrics.core.door import ItemData
from cte_metrics.summaries.moments import Moments
from docs import pipeline


def test_every_creator_and_consumer_is_there_and_creates() -> None:
    assert pipeline.faults() == []


def test_the_containers_of_every_room_are_told() -> None:
    rooms = {container.room.partition(".")[0] for container in pipeline.containers()}
    assert {"core", "summaries", "reliability", "aggregation", "factor"} <= rooms


@pytest.mark.parametrize(
    ("name", "kind", "made"),
    [
        ("cte_metrics.core.door.item_data", ItemData, True),
        ("cte_metrics.core.door.complete_rows", ItemData, False),
        ("cte_metrics.summaries.moments.Moments.from_data", Moments, True),
    ],
)
def test_who_creates_is_told_from_who_does_not(name: str, kind: type, made: bool) -> None:
    assert pipeline.creates(pipeline.resolve(name), kind) is made


def test_a_name_that_stands_for_nothing_is_found() -> None:
    assert pipeline.resolve("cte_metrics.core.door.no_such_door") is None
    assert pipeline.resolve("cte_metrics.no_such_room.door") is None


def test_the_page_links_every_container_to_what_it_holds() -> None:
    page = pipeline.page()
    linked, there = re.findall(r"\(#([\w-]+)\)", page), re.findall(r"^\(([\w-]+)\)=$", page, re.M)
    assert set(linked) == set(there)
    assert len(there) == len(pipeline.containers())
