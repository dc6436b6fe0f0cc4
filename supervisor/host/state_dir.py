"""The names of the files in the state directory. See docs/reference/ledger.md for all of them."""

from __future__ import annotations

LEDGER_NAME = "ledger"
"""The ledger's database. SQLite keeps further files beside it."""

LOCK_NAME = "lock"
"""The file that the running supervisor locks."""
