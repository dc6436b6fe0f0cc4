"""Which mail servers an Alertmanager's configuration names."""

from __future__ import annotations

from supervisor.doctor.fallback.hosts import smarthosts
from tests.e2e.servers import ROOT


def test_the_smarthosts_of_all_receivers_are_found() -> None:
    text = """
global:
  smtp_smarthost: 'mail.example.invalid:465'
receivers:
- name: a
  email_configs:
  - smarthost: relay.example.invalid:587  # the other one
    to: a@example.invalid
  - to: b@example.invalid
    smarthost: "[::1]:25"
  - smarthost: mail.example.invalid:465
"""

    assert smarthosts(text) == ["mail.example.invalid", "relay.example.invalid", "::1"]


def test_the_shipped_configuration_is_understood() -> None:
    text = (ROOT / "configs" / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8")

    assert smarthosts(text) == ["mail.example.invalid"]
    assert smarthosts("{ not: [yaml") == []
