"""A launch as a person writes it: texts field by field, and the models that they name.

Every model, and every value of a setting that holds several, gets a run of its own: a sweep.
`launching.validation` judges a draft, `launching.requests` makes of it what is sent. Keys that were
typed are held as `ApiKey`s and are in no text; where other keys come from is `model_keys`.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gymtui.api.launch_request import new_run_name, slug
from gymtui.config.schema import PROVIDERS
from gymtui.core.replacement import replace
from gymtui.core.secret import ApiKey
from gymtui.launching.form_fields import (
    BY_PATH,
    MODEL,
    NAME,
    PROVIDER,
    RULES,
    SCENARIO,
    SWEPT,
    USER,
    FieldKind,
)
from gymtui.launching.lineage import rerun_name
from gymtui.store.rules import RuleSpec, read_rules

USER_KEY: Final = f"{USER}.api_key"
USER_PROVIDER: Final = f"{USER}.provider"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that gets a run of its own."""

    name: str | None  # its name; None leaves it to the gym
    provider: str
    # Whether that is not the provider of the form, so that the form's base URL and typed key are
    # not for it.
    elsewhere: bool = False

    @property
    def words(self) -> str:
        """What it is called: `gpt-4o`, `anthropic:claude-4`."""
        name = self.name or "the gym's default model"
        return f"{self.provider}:{name}" if self.elsewhere else name


@dataclass(frozen=True, slots=True)
class Variant:
    """What gets a run of its own: a model with its own values of what is swept."""

    model: ModelChoice
    # Path and text of each field that holds several values.
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def words(self) -> str:
        """What it is called: `gpt-4o · temperature 0.2`."""
        words = (f"{BY_PATH[path].label} {text}" for path, text in self.settings)
        return " · ".join((self.model.words, *words))


@dataclass(frozen=True)
class Draft:
    """What was typed, and what was taken over from a run or a list."""

    # By path, as typed; a path that is absent is left open.
    texts: Mapping[str, str] = field(default_factory=dict)
    # Ids and names that came from the gym, by path: commas in them divide nothing.
    exact: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Keys that were typed, by path.
    keys: Mapping[str, ApiKey] = field(default_factory=dict, repr=False)
    parent: str | None = None  # the run that this is a rerun of, or None
    launched: frozenset[Variant] = frozenset()  # variants that have their run already

    def text(self, path: str) -> str:
        """What stands in a field; of a key, nothing."""
        return self.texts.get(path, "")

    def with_text(self, path: str, text: str) -> Draft:
        """The draft with another text in a field; of a key field, with that key."""
        if BY_PATH[path].kind is FieldKind.SECRET:
            keys = {known: key for known, key in self.keys.items() if known != path}
            return replace(self, keys=keys | ({path: ApiKey(text)} if text else {}))
        texts = {known: typed for known, typed in self.texts.items() if known != path}
        exact = {known: ids for known, ids in self.exact.items() if known != path}
        return replace(self, texts=texts | ({path: text} if text else {}), exact=exact)

    def with_ids(self, path: str, ids: Sequence[str]) -> Draft:
        draft = self.with_text(path, ", ".join(ids))
        return replace(draft, exact={**draft.exact, path: tuple(ids)}) if ids else draft

    def ids_in(self, path: str) -> tuple[str, ...]:
        """The ids or names in a list field, each once."""
        if path in self.exact:
            return self.exact[path]
        return _parts(self.text(path))

    def with_field_of(self, path: str, before: Draft) -> Draft:
        draft = self.with_text(path, before.text(path))
        ids = before.exact.get(path)
        return draft if ids is None else replace(draft, exact={**draft.exact, path: ids})

    @property
    def provider(self) -> str:
        """The provider of the models that name none."""
        return self.text(PROVIDER).strip() or BY_PATH[PROVIDER].default

    @property
    def models(self) -> tuple[ModelChoice, ...]:
        """The models, each of which gets a run; one that is left to the gym where none is named.

        A name may begin with a provider of API.md and a colon, so that models of several can be
        compared: `gpt-4o, anthropic:claude-4`. No other colon means anything.
        """
        here = self.provider
        exact = MODEL in self.exact
        found = []
        for name in self.ids_in(MODEL):
            before, colon, rest = name.partition(":")
            named = bool(colon and rest and before in PROVIDERS) and not exact
            provider = before if named else here
            found.append(ModelChoice(rest if named else name, provider, provider != here))
        return tuple(found) or (ModelChoice(None, here),)

    @property
    def sweeps(self) -> Mapping[str, tuple[str, ...]]:
        """The fields that hold several values, with these as typed."""
        found = {path: _parts(self.text(path)) for path in SWEPT}
        return {path: values for path, values in found.items() if len(values) > 1}

    @property
    def variants(self) -> tuple[Variant, ...]:
        """What gets a run: every model with every value of what is swept, but what has its run."""
        settings = [[(path, value) for value in values] for path, values in self.sweeps.items()]
        pairs = itertools.product(self.models, itertools.product(*settings))
        every = itertools.starmap(Variant, pairs)
        return tuple(variant for variant in every if variant not in self.launched)

    @property
    def rules(self) -> tuple[RuleSpec, ...]:
        """What is armed on each run.

        Raises:
            RuleError: What was typed is no rule.
        """
        return read_rules(self.text(RULES))

    @property
    def has_user(self) -> bool:
        """Whether anything is said about the simulated user's model."""
        return USER_KEY in self.keys or any(
            path.startswith(f"{USER}.") and text.strip() for path, text in self.texts.items()
        )

    @property
    def user_provider(self) -> str:
        return self.text(USER_PROVIDER).strip() or BY_PATH[USER_PROVIDER].default


def _parts(text: str) -> tuple[str, ...]:
    parts = (part.strip() for part in re.split(r"[,\n⏎]", text))
    return tuple(dict.fromkeys(part for part in parts if part))


def without_launched(draft: Draft, launched: Sequence[Variant]) -> Draft:
    """What is left of a draft when the first of its variants were launched."""
    if draft.sweeps:
        return replace(draft, launched=draft.launched | frozenset(launched))
    left = [variant.model for variant in draft.variants if variant not in launched]
    return draft.with_text(MODEL, ", ".join(choice.words for choice in left if choice.name))


def draft_of_variant(draft: Draft, variant: Variant) -> Draft:
    chosen = draft
    if len(draft.models) > 1:
        name = variant.model.name
        chosen = chosen.with_ids(MODEL, (name,) if name else ())
        chosen = chosen.with_text(PROVIDER, variant.model.provider)
    for path, text in variant.settings:
        chosen = chosen.with_text(path, text)
    return replace(chosen, launched=frozenset())


def run_names(draft: Draft, *, now: datetime, rng: random.Random) -> tuple[str, ...]:
    """The runs' names, one a variant: as typed, or made.

    Where a draft names several models or sweeps a setting, what differs ends the name; a rerun's
    name that is made tells its parent's (`launching.lineage`).
    """
    typed = draft.text(NAME).strip()
    several = len(draft.models) > 1
    base = typed or (rerun_name(draft.parent, rng) if draft.parent is not None else "")
    names: list[str] = []
    made: dict[str, str] = {}
    for variant in draft.variants:
        model = variant.model.name or ""
        if not base:
            # The runs of one model begin alike, so that a list can group them.
            if model not in made:
                made[model] = new_run_name(draft.text(SCENARIO).strip(), model, now, rng)
            name = made[model]
        else:
            name = f"{base}-{slug(model) or 'model'}" if several else base
        name += "".join(f"-{SWEPT[path]}{slug(text)}" for path, text in variant.settings)
        while name in names:  # two models that differ in what a name leaves out
            name = f"{name}-{len(names) + 1}"
        names.append(name)
    return tuple(names)
