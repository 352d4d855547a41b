"""A test authority: a root, people who sign, a time stamper, a list of revoked certificates, and what goes wrong.

Keys are made once per run. Nothing here is known to the product but the root, where a test says so.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

SIGNED_AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Identity:
    """A certificate with its key, and who issued it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    issuer: x509.Certificate

    @property
    def der(self) -> bytes:
        """The certificate as bytes."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate as text."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def root(name: str = "Test Root") -> Identity:
    """An authority; each name is one of its own."""
    return _root(name)


@cache
def _root(name: str) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    who = _name(name)
    certificate = (
        _builder(who, who, key, datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Identity(certificate, key, certificate)


@cache
def person(
    name: str = "Jane Miller",
    email: str = "jane@aurora.example",
    *,
    authority: str = "Test Root",
    since: datetime = SIGNED_AT - YEAR,
    until: datetime = SIGNED_AT + YEAR,
) -> Identity:
    """Somebody who signs, with a certificate of that authority for those days."""
    key, ca = ec.generate_private_key(ec.SECP256R1()), root(authority)
    certificate = (
        _builder(_name(name), ca.certificate.subject, key, since, until)
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(email)]), critical=False)
        .add_extension(_usage(digital_signature=True, content_commitment=True), critical=True)
        .sign(ca.key, hashes.SHA256())
    )
    return Identity(certificate, key, ca.certificate)


@cache
def time_stamper(moment: datetime = SIGNED_AT) -> DummyTimeStamper:
    """A time stamper of the test authority whose clock stands still."""
    # The library's time stamper for tests knows RSA alone.
    key, ca = rsa.generate_private_key(65537, 2048), root()
    certificate = (
        _builder(_name("Test Time"), ca.certificate.subject, key, SIGNED_AT - 5 * YEAR, SIGNED_AT + 10 * YEAR)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(ca.key, hashes.SHA256())
    )
    identity = Identity(certificate, key, ca.certificate)
    return DummyTimeStamper(
        _certificate(identity), _key(identity), certs_to_embed=SimpleCertificateStore(), fixed_dt=moment
    )


def revocation_list(*revoked: Identity) -> bytes:
    """The authority's list of certificates that it took back, a day before the signature."""
    ca = root()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca.certificate.subject)
        .last_update(SIGNED_AT - timedelta(hours=12))
        .next_update(SIGNED_AT + YEAR)
    )
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(SIGNED_AT - timedelta(days=1)).build())
    return builder.sign(ca.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def sign(
    pdf: bytes,
    identity: Identity | None = None,
    *,
    field: str = "Signature1",
    is_stamped: bool = False,
    stamped_at: datetime = SIGNED_AT,
    **options: object,
) -> bytes:
    """The document with one more digital signature."""
    who = identity or person()
    store = SimpleCertificateStore()
    store.register(_load(who.issuer))
    signer = signers.SimpleSigner(signing_cert=_certificate(who), signing_key=_key(who), cert_registry=store)
    target = io.BytesIO()
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    meta = signers.PdfSignatureMetadata(
        field_name=field,
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        **options,  # type: ignore[arg-type]
    )
    signers.PdfSigner(meta, signer, timestamper=time_stamper(stamped_at) if is_stamped else None).sign_pdf(
        writer, output=target
    )
    return target.getvalue()


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    since: datetime,
    until: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )


def _usage(**chosen: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: chosen.get(name, False) for name in names})


def _certificate(identity: Identity) -> asn1_x509.Certificate:
    return _load(identity.certificate)


def _load(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def _key(identity: Identity) -> asn1_keys.PrivateKeyInfo:
    der = identity.key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return asn1_keys.PrivateKeyInfo.load(der)
