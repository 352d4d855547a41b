"""Receivers of other systems' messages: raw body -> verify -> read -> receive -> answer.

One module per source and one entry here; nothing is discovered. No blueprint uses a session, so the application
exempts all of them from CSRF protection.
"""

from __future__ import annotations

from flask import Blueprint

from webhooks import airwallex, e_signature, salesforce, stigg

BLUEPRINTS: tuple[Blueprint, ...] = (salesforce.BLUEPRINT, airwallex.BLUEPRINT, stigg.BLUEPRINT, e_signature.BLUEPRINT)
