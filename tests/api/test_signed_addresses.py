"""Signing parts count for nothing and are shown nowhere; what names the content stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedance_nb.api.signed_addresses import canonical_address, is_unsigned, without_signature

CAT = "https://bucket.example/cat.png"
SIGNERS = {
    "S3": "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260101&X-Amz-Date={n}T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Security-Token=SECRET{n}&X-Amz-Signature=SECRET{n}&x-id=GetObject",
    "S3 in small letters": "x-amz-date={n}T000000Z&x-amz-signature=SECRET{n}",
    "S3 version 2": "AWSAccessKeyId=SECRET&Expires=17{n}&Signature=SECRET{n}%3D",
    "Google": "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=a%40b&X-Goog-Date={n}T000000Z&X-Goog-Expires=900&X-Goog-SignedHeaders=host&X-Goog-Signature=SECRET{n}",
    "Google version 2": "GoogleAccessId=a@b&Expires=17{n}&Signature=SECRET{n}",
    "Azure": "sv=2024-11-04&st=2026-01-01T00%3A00%3A00Z&se=2026-01-0{d}T00%3A00%3A00Z&sr=b&sp=r&spr=https&sip=1.2.3.4&skoid=a&sktid=b&skt=c&ske=d&sks=b&skv=e&sig=SECRET{n}%3D",
    "CloudFront": "Expires=17{n}&Signature=SECRET{n}__&Key-Pair-Id=APKA{n}",
    "CloudFront with a policy": "Policy=SECRET{n}&Signature=SECRET{n}&Key-Pair-Id=APKA&Hash-Algorithm=SHA256",
    "Aliyun OSS": "OSSAccessKeyId=SECRET&Expires=17{n}&Signature=SECRET{n}&security-token=SECRET{n}",
    "Aliyun OSS version 4": "x-oss-credential=a&x-oss-date={n}T000000Z&x-oss-expires=60&x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-signature=SECRET{n}",
    "Tencent COS": "q-sign-algorithm=sha1&q-ak=SECRET&q-sign-time=17{n};18{n}&q-key-time=17{n};18{n}&q-header-list=host&q-url-param-list=&q-signature=SECRET{n}&x-cos-security-token=SECRET{n}",
    "Volcengine TOS": "X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Credential=a&X-Tos-Date={n}T000000Z&X-Tos-Expires=3600&X-Tos-SignedHeaders=host&X-Tos-Signature=SECRET{n}",
    "Huawei OBS": "AccessKeyId=SECRET&Expires=17{n}&Signature=SECRET{n}",
    "Backblaze": "Authorization=SECRET{n}",
    "Akamai": "hdnea=exp=17{n}~acl=/*~hmac=SECRET{n}",
    "Alibaba CDN": "auth_key=17{n}-0-0-SECRET{n}",
    "Tencent CDN": "txSecret=SECRET{n}&txTime=6{n}",
    "a token": "token=SECRET{n}",
    "a jwt": "jwt=SECRET{n}.b.c",
    "an access token": "access_token=SECRET{n}",
    "expires and sig": "expires=17{n}&sig=SECRET{n}",
    "Expires alone": "Expires=17{n}",
    "Supabase": "token=eyJ.SECRET{n}.x",
    "Qiniu": "e=17{n}&token=ak:SECRET{n}",
    "nginx": "md5=SECRET{n}abcdefghi1&expires=17{n}",
    "a vendor nobody knows": "X-Acme-Date={n}&X-Acme-Key=SECRET{n}&X-Acme-Signature=SECRET{n}",
    "Discord": "ex={n}&is={n}&hm=abcdef0123456789{n}",
    "escaped names": "X%2DAmz%2DSignature=SECRET{n}",
    "copied out of a page": "X-Amz-Date={n}&amp;X-Amz-Signature=SECRET{n}",
    "apart in case": "SIGNATURE=SECRET{n}&eXpIrEs=17{n}",
}  # fmt: skip


@pytest.mark.parametrize("signer", SIGNERS)
def test_an_address_signed_anew_is_the_same_and_is_shown_without_it(signer):
    one, other = (f"{CAT}?{SIGNERS[signer].format(n=n, d=n[-1])}" for n in ("20260101", "20260209"))

    assert canonical_address(one) == canonical_address(other) == CAT
    assert without_signature(one) == without_signature(other) == f"{CAT}#unsigned"


@pytest.mark.parametrize("signer", SIGNERS)
def test_what_names_the_content_stays_beside_a_signature(signer):
    signature = SIGNERS[signer].format(n="20260101", d=1)
    one, other = (f"{CAT}?id={n}&{signature}&v=3" for n in (1, 2))

    assert without_signature(one) == f"{CAT}?id=1&v=3#unsigned"
    assert canonical_address(one) != canonical_address(other)


@pytest.mark.parametrize(
    "query",
    [
        "id=5&v=3",
        "versionId=abc",
        "generation=1767225600",
        "x-oss-process=image/resize,w_200",
        "X-Amz-VersionId=4",
        "response-content-type=image/png",
        "t=30",
        "e=5",
        "hash=0123456789abcdef",
        "w=200&h=300",
        "se=1",
        "name=signature",
        "time=1767225600",
        "design=3&assign=4",
    ],
)
def test_a_parameter_that_names_the_content_counts(query):
    assert without_signature(f"{CAT}?{query}") == f"{CAT}?{query}"
    assert canonical_address(f"{CAT}?{query}") != CAT


def test_a_login_and_a_fragment_are_no_part_of_it():
    assert without_signature("https://user:secret@bucket.example/cat.png") == f"{CAT}#unsigned"
    assert canonical_address("https://user:secret@bucket.example/cat.png#access_token=x") == CAT
    assert without_signature(f"{CAT}#access_token=x") == CAT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HTTPS://Bucket.Example:443/cat.png", CAT),
        ("https://bucket.example./cat.png", CAT),
        ("https://bucket.example/%7ecat%2f.png", "https://bucket.example/~cat%2F.png"),
        ("https://bucket.example/사진.png", "https://bucket.example/%EC%82%AC%EC%A7%84.png"),
        ("https://b\u00fccher.example/cat.png", "https://xn--bcher-kva.example/cat.png"),
        ("https://bucket.example/cat.png?b=1&a=2", "https://bucket.example/cat.png?a=2&b=1"),
        ("https://bucket.example?a=1", "https://bucket.example/?a=1"),
    ],
)
def test_one_address_in_two_spellings_is_the_same(one, other):
    assert canonical_address(one) == canonical_address(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (CAT, "https://bucket.example/Cat.png"),
        (CAT, "https://bucket.example:8443/cat.png"),
        (CAT, "http://bucket.example/cat.png"),
        (f"{CAT}?a=1&a=2", f"{CAT}?a=2&a=1"),
        ("https://a/x%2Fy.png", "https://a/x/y.png"),
        (f"{CAT}?token=1&id=1", f"{CAT}?token=1&id=2"),
    ],
)
def test_other_addresses_are_others(one, other):
    assert canonical_address(one) != canonical_address(other)


@given(
    st.text(max_size=30)
    | st.builds(
        "https://h/{}?{}#{}".format, st.text(max_size=9), st.text("a=&sigtoken%;", max_size=20), st.text(max_size=5)
    )
)
@settings(deadline=None)
def test_nothing_makes_it_fail_and_what_is_left_out_stays_out(address):
    shown = without_signature(address)

    assert without_signature(shown) == shown
    assert canonical_address(shown) == canonical_address(address)
    assert is_unsigned(shown) in (True, False)
