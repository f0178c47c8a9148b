"""``python -m appliance.directory_service``: the program, where no service of its own runs it."""

from appliance.directory_service.program import main

main()
