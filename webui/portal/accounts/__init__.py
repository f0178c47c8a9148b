"""Pages of accounts: signing in, setting up and recovering an account, and one's own settings."""

from webui.portal.accounts import login, signing_credentials, single_sign_on
from webui.portal.accounts.settings import pages

__all__ = ["login", "pages", "signing_credentials", "single_sign_on"]
