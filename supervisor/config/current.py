"""The configuration in force. A reload replaces it; whoever needs it asks here each time."""

from __future__ import annotations

from attrs import define

from supervisor.config.service import Service

CONSOLE = "console"
"""The peer that stands for the printed line when no Alertmanager is configured."""


@define(eq=False, repr=False)
class CurrentConfig:
    """Holds the service file's values of now."""

    service: Service
    """The values; replaced as a whole."""

    loaded: float = 0.0
    """When they were last replaced, in Unix seconds. 0 before the recorder takes them over."""

    @property
    def peers(self) -> tuple[str, ...]:
        """The URLs of the Alertmanagers; without any, the console alone."""
        return self.service.alertmanager.urls or (CONSOLE,)
