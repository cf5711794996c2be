"""`python -m gymtui` is the command `gymtui`."""

from gymtui.cli import main

main(prog_name="gymtui")
