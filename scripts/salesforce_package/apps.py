"""How the service logs in and is called: External Client Apps for both ways, and the named credential for events.

Secrets and keys are never in metadata: the consumer secret and the certificate are made in the org's own setup.
"""

from __future__ import annotations

from scripts.salesforce_package.messages import INTEGRATION_USER
from scripts.salesforce_package.writing import Item, document

CONTACT = "countersign-admin@example.com"
HOST = "https://countersign.example.com"
CERTIFICATE = "Countersign"


def app_files() -> dict[str, str]:
    """One app for each way to log in; deploy one of them."""
    return {
        **_app("Countersign", "Countersign", is_client_credentials=True),
        **_app("Countersign_JWT", "Countersign (JWT)", is_client_credentials=False),
    }


def credential_files() -> dict[str, str]:
    """Where signed events are sent; the signature is made in Apex, so the credential itself proves nothing."""
    url: list[Item] = [("parameterName", "Url"), ("parameterType", "Url"), ("parameterValue", HOST)]
    external: list[Item] = [
        ("parameterName", "ExternalCredential"),
        ("parameterType", "Authentication"),
    ]
    principal: list[Item] = [
        ("parameterName", "Sync"),
        ("parameterType", "NamedPrincipal"),
        ("sequenceNumber", 1),
    ]
    return {
        "externalCredentials/Sync_Events.externalCredential-meta.xml": document(
            "ExternalCredential",
            [
                ("authenticationProtocol", "Custom"),
                ("externalCredentialParameters", principal),
                ("label", "Countersign Events"),
            ],
        ),
        "namedCredentials/Sync_Events.namedCredential-meta.xml": document(
            "NamedCredential",
            [
                ("allowMergeFieldsInBody", False),
                ("allowMergeFieldsInHeader", False),
                ("calloutStatus", "Enabled"),
                ("generateAuthorizationHeader", False),
                ("label", "Countersign Events"),
                ("namedCredentialParameters", url),
                (
                    "namedCredentialParameters",
                    [("externalCredential", "Sync_Events"), *external],
                ),
                ("namedCredentialType", "SecuredEndpoint"),
            ],
        ),
        **_settings_files(),
        "permissionsets/Sync_Events.permissionset-meta.xml": document(
            "PermissionSet",
            [
                ("description", "For whoever saves signed records when events are sent by callout."),
                (
                    "externalCredentialPrincipalAccesses",
                    [("enabled", True), ("externalCredentialPrincipal", "Sync_Events-Sync")],
                ),
                ("hasActivationRequired", False),
                ("label", "Countersign Events"),
            ],
        ),
    }


def _settings_files() -> dict[str, str]:
    """Where the secret of the events is kept: a custom setting, typed in Setup. Every administrator can read it."""
    folder = "objects/Sync_Settings__c"
    return {
        f"{folder}/Sync_Settings__c.object-meta.xml": document(
            "CustomObject",
            [
                ("customSettingsType", "Hierarchy"),
                ("description", "Settings of the events that Countersign receives."),
                ("label", "Sync Settings"),
                ("visibility", "Protected"),
            ],
        ),
        f"{folder}/fields/Event_Secret__c.field-meta.xml": document(
            "CustomField",
            [
                ("fullName", "Event_Secret__c"),
                ("description", "Signs the events: whsec_ and base64 of 24 bytes or more."),
                ("label", "Event Secret"),
                ("length", 255),
                ("required", False),
                ("type", "Text"),
            ],
        ),
    }


def _app(name: str, label: str, *, is_client_credentials: bool) -> dict[str, str]:
    policy: list[Item] = [
        *([("clientCredentialsFlowUser", INTEGRATION_USER)] if is_client_credentials else []),
        ("commaSeparatedPermissionSet", "Sync_Integration"),
        ("externalClientApplication", name),
        ("ipRelaxationPolicyType", "Enforce"),
        ("isClientCredentialsFlowEnabled", is_client_credentials),
        ("label", f"{label} policies"),
        ("permittedUsersPolicyType", "AdminApprovedPreAuthorized"),
        ("refreshTokenPolicyType", "Zero"),
    ]
    flows: list[Item] = [
        ("callbackUrl", f"{HOST}/not-used"),
        *([] if is_client_credentials else [("certificate", CERTIFICATE)]),
        ("externalClientApplication", name),
        ("isClientCredentialsFlowEnabled", is_client_credentials),
        ("label", f"{label} flows"),
    ]
    return {
        f"externalClientApps/{name}.eca-meta.xml": document(
            "ExternalClientApplication",
            [("contactEmail", CONTACT), ("distributionState", "Local"), ("isProtected", False), ("label", label)],
        ),
        f"extlClntAppOauthSettings/{name}_settings.ecaOauth-meta.xml": document(
            "ExtlClntAppOauthSettings",
            [
                ("commaSeparatedOauthScopes", "Api"),
                ("externalClientApplication", name),
                ("label", f"{label} settings"),
            ],
        ),
        f"extlClntAppGlobalOauthSets/{name}_flows.ecaGlblOauth-meta.xml": document(
            "ExtlClntAppGlobalOauthSettings", flows
        ),
        f"extlClntAppOauthPolicies/{name}_policies.ecaOauthPlcy-meta.xml": document(
            "ExtlClntAppOauthConfigurablePolicies", policy
        ),
    }
