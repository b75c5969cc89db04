"""Forms and links, as pages and mails have them."""

from __future__ import annotations

from email.message import EmailMessage

from provisioner.core.web_forms import confirmation, forms, links, one_click, subscription

PHPLIST = """
<form method="get" action="/search"><input name="email"><button>Search</button></form>
<form method="post" name="subscribeform">
<input type="hidden" name="formtoken" value="f00d">
<input type=text name="email" value=""> <input type=text name="emailconfirm">
<input type="text" name="name" value="" style="display:none">
<ul><li><input type="checkbox" name="list[2]" value="signup" /><b>Offers</b></li>
<li><input type="checkbox" name="list[3]" value="signup" /><b>provisioner-check</b><div>A test</div></li></ul>
<input type="checkbox" name="htmlemail" checked> I like HTML
<input type=submit name="subscribe" value="Subscribe"></form>
"""


def test_a_form_is_filled_in_as_a_person_does() -> None:
    found = subscription(forms(PHPLIST), "a@b.example", "provisioner-check")
    assert found is not None
    form, fields = found
    assert (form.method, form.action) == ("POST", "")
    assert fields == {
        "formtoken": "f00d", "email": "a@b.example", "emailconfirm": "a@b.example", "name": "",
        "list[3]": "signup", "htmlemail": "on", "subscribe": "Subscribe",
    }  # fmt: skip


def test_a_page_without_such_a_form() -> None:
    assert subscription(forms("<form method=post><input name=q></form>"), "a@b", "x") is None
    assert confirmation(forms("<p>Nothing to do</p>")) is None


def test_of_several_buttons_the_one_that_goes_on() -> None:
    page = """<form method="post" action="/login"><input name="email"><button>Log in</button></form>
    <form method="post" action="/lang"><input type="submit" name="action_set_lang" value="it"></form>
    <form method="post" action="/auth"><input type="hidden" name="id" value="1">
    <input type="submit" name="response_action_cancel" value="No">
    <input type="submit" name="response_action_confirm" value="Yes"></form>"""
    found = confirmation(forms(page))
    assert found is not None
    assert found[0].action == "/auth"
    assert found[1] == {"id": "1", "response_action_confirm": "Yes"}
    # A page that only has a form to log in asks nothing.
    assert confirmation(forms(page.split("\n", 1)[0])) is None


def test_every_link_of_a_mail_as_scanners_find_them() -> None:
    message = EmailMessage()
    message["List-Unsubscribe"] = "<mailto:leave@n.example>, <https://n.example/u?a=1&b=2>"
    message.set_content("See https://n.example/text, or (https://n.example/other).\n")
    message.add_alternative(
        '<a href="https://n.example/html?a=1&amp;b=2">x</a><img src=https://n.example/p.gif>'
        "<a href='mailto:a@b.example'>y</a>",
        subtype="html",
    )
    raw = message.as_bytes()
    assert links(raw) == (
        "https://n.example/u?a=1&b=2", "https://n.example/text", "https://n.example/other",
        "https://n.example/html?a=1&b=2", "https://n.example/p.gif",
    )  # fmt: skip
    assert one_click(raw) == "https://n.example/u?a=1&b=2"
    assert one_click(b"Subject: x\n\ny") == ""
