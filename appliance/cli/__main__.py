"""``python -m appliance.cli``: the command ``vermilion`` where its script is not on the path."""

from appliance.cli import main

main(prog_name="vermilion")
