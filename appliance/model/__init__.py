"""The values that the appliance speaks of: contracts, intents, acceptances, people, notices. No I/O, no verbs."""
