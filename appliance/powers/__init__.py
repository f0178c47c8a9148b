"""Powers of attorney: registering and verifying them, and deciding which one covers a signature."""
