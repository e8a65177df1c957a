"""Profiles (画像): identity, traits, repurchase cycle, lifetime value."""
