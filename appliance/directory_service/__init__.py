"""The one program that speaks to the organisation's directory and identity provider."""
