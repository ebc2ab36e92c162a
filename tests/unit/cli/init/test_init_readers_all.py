"""What holds for every reader: it is found by its file, and the page for users says which rights it needs."""

from __future__ import annotations

import pkgutil
import re

import pytest

from cli.init import facts, readers
from cli.init.readers import Asked, Reader
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "how-to" / "first-service.md").read_text(encoding="utf-8")
EVERYTHING = Asked("a", "b", "c", newrelic_account=1, splunk_url="https://s", prometheus_url="https://p")


@pytest.mark.parametrize("reader", readers.every(), ids=lambda reader: reader.name)
def test_a_reader_is_found_by_its_file_and_gives_a_part_that_is_empty_by_itself(reader: Reader) -> None:
    assert reader.name in {module.name for module in pkgutil.iter_modules(readers.__path__)}
    assert getattr(facts, reader.part.__name__)() == reader.part()
    assert reader.applies(EVERYTHING)


@pytest.mark.parametrize("reader", readers.every(), ids=lambda reader: reader.name)
def test_its_rights_are_on_the_page_for_users_and_read_only(reader: Reader) -> None:
    assert reader.rights
    actions = [found for right in reader.rights for found in re.findall(r"\b[a-z0-9-]+:([A-Z]\w+)", right)]
    for action in actions:
        assert action in PAGE
        assert action.startswith(("Describe", "List", "Get"))


def test_only_the_cluster_is_read_first() -> None:
    assert [reader.name for reader in readers.every() if reader.first] == ["cluster"]
