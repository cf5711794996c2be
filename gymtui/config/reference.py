"""Every setting in one table, for `config init`, `config show` and the README.

What each is and means stands beside its type (`config.schema`); where it may stand is added here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gymtui.config.schema import (
    KEY_FIELDS,
    NAMES,
    Choices,
    JournalSource,
    StuckThresholds,
    variable,
)

_FLAGS = (
    *("profile", "base_url", "source", "scenario", "interval"),
    *("theme", "read_only", "ascii", "debug"),
)
FIELDS: Mapping[str, str] = {
    field.alias or name: name for name, field in Choices.model_fields.items()
}
"""The fields of `Choices` by the settings' names."""


@dataclass(frozen=True, slots=True)
class Row:
    """One setting."""

    name: str  # as it is written; of a table's entry, `stuck.floor_s`
    where: tuple[str, ...]  # where it may stand, nearest first
    default: str  # what applies without it, as it is written; "" where nothing does
    meaning: str
    example: str = ""  # what stands in a file that sets it


def toml_value(value: object) -> str:
    """A value as it is written in the file; "" for none."""
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return f"{value:g}" if isinstance(value, float) else str(value)


def rows() -> tuple[Row, ...]:
    """The settings, in the order in which a person meets them."""
    return (
        Row(
            "profile",
            ("--profile", variable("profile"), "file"),
            "",
            "default profile",
            '"prod"',
        ),
        *map(_choice, FIELDS),
        *_keys(),
        *(
            Row(
                f"stuck.{name}",
                ("profile", "file"),
                toml_value(field.default),
                field.description or "",
                toml_value(field.default),
            )
            for name, field in StuckThresholds.model_fields.items()
        ),
        *(
            Row(
                f"journal.{name}",
                (variable("journal_url"), "profile", "file")
                if name == "url"
                else ("profile", "file"),
                "",
                field.description or "",
                _EXAMPLES[f"journal.{name}"],
            )
            for name, field in JournalSource.model_fields.items()
        ),
        Row(
            "model_keys.PROVIDER",
            ("profile", "file"),
            "",
            "source of the model API key, per provider",
            '{ env = "OPENAI_API_KEY" }',
        ),
        Row("keys.NAME", ("file",), "", "key or keys bound to a command", '"x"'),
        Row(
            "commands.NAME",
            ("file",),
            "",
            "a command of your own, with its key and screen",
            '{ key = "f5", scope = "runs", command = ["my-script"] }',
        ),
    )


_EXAMPLES = {
    "scenario": '"hr"',
    "theme": '"day"',
    "journal.url": '"postgresql://db.lab/gym"',
    "journal.password_command": '["pass", "show", "db"]',
    "on_finish": '["notify-send", "a run has ended"]',
}


def _choice(name: str) -> Row:
    field = Choices.model_fields[FIELDS[name]]
    where = ["profile", "file"] if name in NAMES else ["profile"]
    if name in NAMES:
        where.insert(0, variable(name))
    if name in _FLAGS:
        where.insert(0, f"--{name.replace('_', '-')}")
    default = toml_value(field.default)
    meaning = field.description or ""
    return Row(name, tuple(where), default, meaning, _EXAMPLES.get(name, default))


def _keys() -> tuple[Row, ...]:
    meanings = {
        "api_key_env": ("environment variable that holds the API key", '"GYM_KEY"'),
        "api_key_command": ("command that prints the API key", '["pass", "show", "gym"]'),
        "api_key": ("the API key; the file must be readable by its owner alone", ""),
    }
    return tuple(
        Row(
            name,
            (variable(name), "profile", "file") if name == "api_key" else ("profile", "file"),
            "",
            *meanings[name],
        )
        for name in KEY_FIELDS
    )


def markdown() -> str:
    """The table as the README has it."""
    lines = [
        "| name | set in (first wins) | default | meaning |",
        "|---|---|---|---|",
    ]
    for row in rows():
        where = ", ".join(
            place if place in ("profile", "file") else f"`{place}`" for place in row.where
        )
        default = f"`{row.default}`" if row.default else ""
        lines.append(f"| `{row.name}` | {where} | {default} | {row.meaning} |")
    return "\n".join(lines) + "\n"
