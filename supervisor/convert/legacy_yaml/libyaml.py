"""A scanner for ruamel.yaml that cuts text into tokens where libyaml, under Psych, cuts it.

ruamel.yaml stumbles over tabs that libyaml skips, and reads anchors and block scalars that
libyaml does not. This scanner also notes the comments, which both throw away.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen
from ruamel.yaml import tokens
from ruamel.yaml.scanner import Scanner, ScannerError

_ANCHOR = re.compile(r"[0-9A-Za-z_-]+")
_BLANK = " \t"
_BREAK = "\r\n"
_END = "\r\n\0"
_BLANK_OR_END = " \t\r\n\0"


@frozen
class Comment:
    """A comment with its `#`; `line` is counted from 1, `column` from 0."""

    line: int
    column: int
    text: str
    follows: bool
    """Whether something else stands before it on its line."""


class LibyamlScanner(Scanner):
    """Scans as libyaml 0.2.5 does; `noted` holds the comments."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.noted: list[Comment] = []

    def scan_to_next_token(self) -> None:
        peek, forward = self.reader.peek, self.reader.forward
        while True:
            # In a block a tab must not stand for indentation.
            blank = _BLANK if self.flow_level or not self.allow_simple_key else " "
            while peek() in blank:
                forward()
            if peek() == "#":
                self._note_comment()
            if not self.scan_line_break():
                return
            if not self.flow_level:
                self.allow_simple_key = True

    def scan_anchor(self, token_class: Any) -> Any:
        start = self.reader.get_mark()
        length = 1
        while _ANCHOR.fullmatch(self.reader.peek(length)):
            length += 1
        name = self.reader.prefix(length)[1:]
        self.reader.forward(length)
        if not name or self.reader.peek() not in f"{_BLANK_OR_END}?:,]}}%@`":
            raise ScannerError(None, start, "an anchor has letters and digits only", start)
        return token_class(name, start, self.reader.get_mark())

    def scan_plain(self) -> Any:
        peek = self.reader.peek
        indent = self.indent + 1
        start = end = self.reader.get_mark()
        chunks: list[str] = []
        spaces = ""
        broken = False
        while not self._is_document_mark() and peek() != "#":
            length = self._plain_length(start)
            if length:
                chunks += (spaces, self.reader.prefix(length))
                self.reader.forward(length)
                end = self.reader.get_mark()
                broken = False
            if peek() not in f"{_BLANK}{_BREAK}":
                break
            spaces, broken = self._plain_spaces(indent, start)
            if not self.flow_level and self.reader.column < indent:
                break
        if broken:
            self.allow_simple_key = True
        return tokens.ScalarToken("".join(chunks), True, start, end)

    def _plain_length(self, start: Any) -> int:
        peek, length = self.reader.peek, 0
        while (character := peek(length)) not in _BLANK_OR_END:
            after = peek(length + 1)
            if self.flow_level and character == ":" and after in ",?[]{}":
                raise ScannerError(None, start, "has an unexpected :", self.reader.get_mark())
            if character == ":" and after in _BLANK_OR_END:
                break
            if self.flow_level and character in ",[]{}":
                break
            length += 1
        return length

    def _plain_spaces(self, indent: int, start: Any) -> tuple[str, bool]:
        """Return what the blanks and line breaks fold to, and whether there was a break."""
        peek, forward = self.reader.peek, self.reader.forward
        blanks, breaks = "", []
        while (character := peek()) in f"{_BLANK}{_BREAK}":
            if character in _BREAK:
                breaks.append(self.scan_line_break())
                continue
            if breaks and self.reader.column < indent and character == "\t":
                raise ScannerError(None, start, "a tab", self.reader.get_mark())
            blanks += "" if breaks else character
            forward()
        if not breaks:
            return blanks, False
        return "".join(breaks[1:]) or " ", True

    def scan_block_scalar(self, style: Any, rt: Any = False) -> Any:
        peek = self.reader.peek
        start = self.reader.get_mark()
        self.reader.forward()
        chomping, increment = self.scan_block_scalar_indicators(start)
        self._skip_header(start)
        indent = max(self.indent, 0) + increment if increment else 0
        indent, breaks, end = self._block_breaks(indent, start)
        text, line_break, was_blank = "", "", False
        while self.reader.column == indent and peek() != "\0":
            is_blank = peek() in _BLANK
            if style == ">" and line_break and not was_blank and not is_blank:
                text += "" if breaks else " "
            else:
                text += line_break
            text += breaks
            was_blank = is_blank
            length = 0
            while peek(length) not in _END:
                length += 1
            text += self.reader.prefix(length)
            self.reader.forward(length)
            line_break = self.scan_line_break()
            _, breaks, end = self._block_breaks(indent, start)
        if chomping is not False:
            text += line_break
        if chomping is True:
            text += breaks
        return tokens.ScalarToken(text, False, start, end, style)

    def _skip_header(self, start: Any) -> None:
        while self.reader.peek() in _BLANK:
            self.reader.forward()
        if self.reader.peek() == "#":
            self._note_comment()
        if self.reader.peek() not in _END:
            raise ScannerError(None, start, "a block scalar begins on its own line", start)
        self.scan_line_break()

    def _block_breaks(self, indent: int, start: Any) -> tuple[int, str, Any]:
        """Skip the indentation and empty lines; an indentation of 0 is found out here."""
        peek, breaks, deepest = self.reader.peek, "", 0
        end = self.reader.get_mark()
        while True:
            while (not indent or self.reader.column < indent) and peek() == " ":
                self.reader.forward()
            deepest = max(deepest, self.reader.column)
            if (not indent or self.reader.column < indent) and peek() == "\t":
                raise ScannerError(None, start, "a tab", self.reader.get_mark())
            if peek() not in _BREAK:
                break
            breaks += self.scan_line_break()
            end = self.reader.get_mark()
        return indent or max(deepest, self.indent + 1, 1), breaks, end

    def _note_comment(self) -> None:
        mark, length = self.reader.get_mark(), 0
        while self.reader.peek(length) not in _END:
            length += 1
        line_start = self.reader.pointer - mark.column
        before = self.reader.buffer[max(line_start, 0) : self.reader.pointer]
        text = self.reader.prefix(length)
        self.noted.append(Comment(mark.line + 1, mark.column, text.rstrip(), bool(before.strip())))
        self.reader.forward(length)

    def _is_document_mark(self) -> bool:
        return self.reader.column == 0 and bool(
            self.check_document_start() or self.check_document_end()
        )
