"""The `[fallback]` table: who is told when no Alertmanager takes what is owed."""
