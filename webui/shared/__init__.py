"""What every web application of the appliance shares: headers, languages, forms, errors, limits."""
