"""The command line of `completion`: click's own scripts. What TAB offers is `suggestions`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog="""\
\b
bash:  gymtui completion bash > ~/.local/share/bash-completion/completions/gymtui
zsh:   gymtui completion zsh > a file _gymtui in a directory of $fpath
fish:  gymtui completion fish > ~/.config/fish/completions/gymtui.fish

For this session alone: eval "$(gymtui completion bash)". TAB then offers commands, options,
profiles, sources, and the runs that a dashboard has watched; it never asks the gym.
"""
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, /, shell: str) -> None:
    """Print what makes a shell complete this program's command lines."""
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101  (click has all three)
    root = context.find_root()
    script = found(root.command, {}, "gymtui", "_GYMTUI_COMPLETE").source()
    # click's own would end a description, or a run's name, at its first comma.
    click.echo(script.replace('string split ","', 'string split --max 1 ","'))
