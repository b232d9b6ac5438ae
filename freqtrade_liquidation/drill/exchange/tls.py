"""A certificate for the loopback address, made at start.

ccxt picks Binance's error table by the start of the URL, and only ``https://demo-fapi…`` can be
made to lead to loopback (as a user name). So the exchange has to speak TLS.
"""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def make_certificate(folder: Path, *hosts: str) -> tuple[Path, ssl.SSLContext]:
    """Write a self-signed certificate for 127.0.0.1, ``localhost`` and *hosts* into *folder*.

    :return: the file that clients trust, and the server's context. The key file stays in *folder*.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _self_signed(key, hosts)
    cert_file = folder / "practice-exchange-ca.pem"
    key_file = folder / "practice-exchange-key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    return cert_file, context


def _self_signed(key: ec.EllipticCurvePrivateKey, hosts: Iterable[str]) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "practice exchange")])
    now = dt.datetime.now(dt.UTC)
    public = key.public_key()
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in ("localhost", *hosts)]
    names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=False, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    subject_id = x509.SubjectKeyIdentifier.from_public_key(public)
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject_id)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(subject_id, critical=False)
        .add_extension(authority_id, critical=False)
        .sign(key, hashes.SHA256())
    )
