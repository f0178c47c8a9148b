"""``python -m appliance.capture_service``: the program, where no service of its own runs it."""

from appliance.capture_service.program import main

main()
