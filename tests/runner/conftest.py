"""A desk of the usual rules: ana and bo may have control."""

from __future__ import annotations

import pytest

from tests.runner.desks import Office


@pytest.fixture
async def office() -> Office:
    """Made within the test's event loop."""
    return Office()
