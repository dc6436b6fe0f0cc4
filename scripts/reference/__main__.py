"""Writes the tables again: python -m scripts.reference."""

from __future__ import annotations

from scripts.reference.pages import ROOT, old_pages


def main() -> None:
    for path, text in old_pages().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote the tables of {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
