"""A strict stand-in for Airwallex, and what tests of paying share."""
