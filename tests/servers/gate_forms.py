"""Forms as readers and programs send them; pages and forms that add addresses without asking them."""

from __future__ import annotations

from tests.servers.gate import FORM

BOUNDARY = "----gate"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def part(name: str, value: str = "") -> bytes:
    """A field of a form that is sent in parts."""
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


UNSEEN = (
    (b"email=a%40b.example&subscribe=x", ""),
    (b"%73ubscribe=x", ""),
    (b"subscribe[]=x", ""),
    (b"x=1&subscribe", ""),
    (b"action_subscribe=x", ""),
    (b"%61ction_subscribe=x", ""),
    (b"javascript_action=subscribe", ""),
    (b"x=1;action_subscribe=x", ""),
    (b"website=https%3A%2F%2Frobot.example&subscribe=x", ""),
    (b"subscribe=x&nowebsite=", ""),
    (b"", ""),
    (part("subscribe", "x") + part("website", "x"), MULTIPART),
    (part("subscribe", "x").replace(b'"', b"'"), MULTIPART),
    (b"action=subscribe", "text/plain"),
)
"""Forms as programs send them."""
SEEN = (
    (b"email=a%40b.example&website=&subscribe=x", ""),
    (b"subscribe=x&website=", ""),
    (part("website") + part("file", "x" * 100), MULTIPART),
)

PAGES = (
    ("phplist", "/lists/admin/?page=import", "/lists/admin/?page=import"),
    ("phplist", "/lists/admin/?page=import1", "/lists/admin/?page=import1"),
    ("phplist", "/lists/admin/index.php?x=1&page=import2&confirm=yes", "/lists/admin/?page=import2"),
    ("phplist", "/lists/admin/?page=import3", "/lists/admin/?page=import3"),
    ("phplist", "/lists/admin/?page=import4", "/lists/admin/?page=import4"),
    ("phplist", "/lists/admin/?page=importsimple&list=3&tk=K", "/lists/admin/?page=importsimple&list=3"),
    ("phplist", "//lists/admin/./index%2Ephp?page=home&page=import1", "/lists/admin/?page=import1"),
    ("phplist", "/lists/admin/?page=home&action=import1", "/lists/admin/?page=import"),
    ("phplist", "/lists/admin/?page=pageaction&action=import2&ajaxed=true", "/lists/admin/?page=import"),
    (
        "phplist",
        "/lists/admin/?origpage=importsimple&list=3&ajaxed=true&page=pageaction&action=importsimple",
        "/lists/admin/?page=importsimple&list=3",
    ),
    ("sympa", "/sympa/import/news", "/sympa/import/news"),
    ("sympa", "/sympa/add_request/news?x=y", "/sympa/add_request/news"),
    ("sympa", "/sympa/add/news/a@b.example", "/sympa/add/news/a"),
    ("sympa", "/sympa/add_frommod/news/1", "/sympa/add_frommod/news/1"),
    ("sympa", "/sympa/invite/news?email=a@b.example", "/sympa/invite/news"),
    ("sympa", "/sympa/nomenu/import/news/", "/sympa/nomenu/import/news"),
    ("sympa", "/sympa/%69mport/news", "/sympa"),
    ("sympa", "//sympa/./x/../nomenu%2Fimport/news", "/sympa"),
    ("sympa", "/sympa/edit_list_request/news/data_source", "/sympa/edit_list_request/news/data_source"),
)
"""Each with where its declaration leads back to."""

_LISTS, _HOME = "/lists/admin/?page=list", "/lists/admin/?page=home"
_LOGIN = b"login=a&password=b&page="
SENT = (
    ("phplist", "/lists/admin/?page=import1", part("import", "x"), MULTIPART),
    ("phplist", _LISTS, part("importcontent", "a@b.example"), MULTIPART),
    ("phplist", _LISTS, part("importcontent", "a@b.example\r\n" * 20_000), MULTIPART),
    ("phplist", _LISTS, b"x=y&importcontent=a%40b.example", FORM),
    ("phplist", _LISTS, b"+%69mport%63ontent=a%40b.example", FORM),
    ("phplist", _LISTS, b"importcontent%00x=a%40b.example", FORM),
    ("phplist", "/lists/admin/", _LOGIN + b"importsimple&importcontent=a%40b.example", FORM),
    ("phplist", _HOME, part("login", "a") + part("page", "import1") + part("import.file", "x"), MULTIPART),
    ("phplist", _HOME, _LOGIN + b"import4&remote_host=h&remote%20database=d", FORM),
    *(
        ("sympa", "/sympa", body + b"&website=", FORM)
        for body in (
            b"action_import=x&list=news&dump=a%40b.example",
            b"list=news;action_import",
            b"list=news&action_add.quiet=x",
            b"action_add_request=x",
            b"action_invite=x",
            b"action=import",
            b"javascript_action=add",
            b"action_del=x&previous_action=import",
            b"%61ction_import=x",
            b"action%5Fimport=x",
            b"action=im%70ort",
            b"action=%u0069mport",
            b"multiple_param.member_include.0.source=x",
            b"single_param%2einclude_file.0=x",
        )
    ),
    *(
        ("sympa", "/sympa", body + part("website"), MULTIPART)
        for body in (
            part("action_import", "x") + part("list", "news"),
            part("previous_action", "import"),
            part("action", "add").replace(b'"', b""),
            part("action", "import").replace(b"\r\n\r\n", b"\r\nX: y\r\n\r\n"),
            part("action", "import").replace(b"=", b"=\r\n "),
            part("dump", "a@b.example\r\n" * 20_000) + part("action_import", "x"),
        )
    ),
)
"""Forms that add addresses, as browsers send them and in other ways."""

HARMLESS = (
    ("phplist", _LISTS, b"listorder%5B1%5D=2&name=r%C3%A9sum%C3%A9+%2561&update=x", FORM),
    ("phplist", "/lists/admin/?page=importadmin", b"import=x", FORM),
    ("phplist", "/lists/admin/?page=send", part("message", "We import 50%de%61l files"), MULTIPART),
    ("phplist", "/lists/admin/?page=send", part("message", "<p>" * 60_000), MULTIPART),
    ("sympa", "/sympa", b"action_auth_add=x&id=1&website=", FORM),
    ("sympa", "/sympa", b"action_edit_list=x&single_param.subject=The+included&website=", FORM),
    ("sympa", "/sympa", b"action=add_fromsub&previous_action=review&website=", FORM),
    ("sympa", "/sympa", part("action", "send_mail") + part("body", "%41") + part("website"), MULTIPART),
)
