"""Pages of accounts: signing in, setting up and recovering an account, and one's own settings."""

from webui.portal.accounts import login, single_sign_on
from webui.portal.accounts.settings import pages

__all__ = ["login", "pages", "single_sign_on"]
