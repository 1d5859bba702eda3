"""Keys and certificates of a virtual cluster: made once per state directory, never shared, worthless outside of it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rehearsal.azure.account import OBJECT
from rehearsal.state import HOST, write_private

VALIDITY = dt.timedelta(days=3650)
DNS_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
SERVICE_ADDRESS = "10.96.0.1"  # the first of --service-cluster-ip-range: the `kubernetes` Service


@dataclass(frozen=True, slots=True)
class Pki:
    """Files of one cluster's trust.

    Attributes:
        directory: private directory that holds them all.
    """

    directory: Path

    @property
    def authority(self) -> Path:
        return self.directory / "ca.crt"

    @property
    def certificate(self) -> Path:
        """Serves and authenticates API server, etcd and kubelet: they are one trust domain on one machine."""
        return self.directory / "cluster.crt"

    @property
    def key(self) -> Path:
        return self.directory / "cluster.key"

    @property
    def accounts_key(self) -> Path:
        """Signs service account tokens."""
        return self.directory / "accounts.key"

    @property
    def tokens(self) -> Path:
        """Token file of the API server (`token,user,uid,"group"`)."""
        return self.directory / "tokens.csv"

    def token(self) -> str:
        """The administrator's bearer token."""
        return self.tokens.read_text().partition(",")[0]

    def entra_token(self) -> str:
        """The bearer token of the one Entra user, who may do what roles let them."""
        return self.tokens.read_text().splitlines()[1].partition(",")[0]

    def ensure(self) -> None:
        """Makes what is missing; the token file is written last, so its presence says that all is whole."""
        if self.tokens.exists():
            return
        authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        authority = _authority(authority_key)
        certificate = _certificate(key, authority, authority_key)
        write_private(self.authority, _pem(authority))
        write_private(self.certificate, _pem(certificate))
        write_private(self.key, _private(key))
        write_private(self.accounts_key, _private(ec.generate_private_key(ec.SECP256R1())))
        users = ('rehearsal-admin,rehearsal-admin,"system:masters"', f"{OBJECT},{OBJECT}")
        write_private(self.tokens, "".join(f"{secrets.token_urlsafe(32)},{user}\n" for user in users))


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rehearsal-ca")])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _certificate(
    key: ec.EllipticCurvePrivateKey, authority: x509.Certificate, authority_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rehearsal")])
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in (HOST, SERVICE_ADDRESS)]
    return (
        _builder(name, authority.subject, key.public_key())
        .add_extension(x509.SubjectAlternativeName([*(x509.DNSName(dns) for dns in DNS_NAMES), *addresses]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))  # clocks of virtual machines step back
        .not_valid_after(now + VALIDITY)
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _private(key: ec.EllipticCurvePrivateKey) -> str:
    # the API server reads public keys out of this form, and not out of PKCS #8
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
