"""ansible-runner for real, on this machine alone: what is told and reported, and that nothing stays."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from provisioner.adapters import ansible
from provisioner.adapters.ansible import AnsiblePlaybooks
from provisioner.core.plays import Event, HostDone, Outcome, PlayStarted, Said, TaskStarted

HOSTS = """\
all:
  vars: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  hosts: {one: {}, two: {}}
"""
PLAYBOOK = """\
- name: A play
  hosts: all
  gather_facts: false
  tasks:
    - name: Tell the environment
      ansible.builtin.debug:
        msg: "{{ lookup('env', 'ANSIBLE_HOST_KEY_CHECKING') }} {{ lookup('env', 'AWX_ISOLATED_DATA_DIR') }}"
    - name: Fail and be rescued
      block:
        - name: Fail
          ansible.builtin.fail: {msg: not for long}
      rescue:
        - name: Go on
          ansible.builtin.meta: noop
    - name: Fail on one
      ansible.builtin.fail: {msg: "No space left on device"}
      when: inventory_hostname == 'one'
"""
LONE = """\
- name: A play of one host
  hosts: one
  gather_facts: false
  tasks:
    - name: Fail
      ansible.builtin.fail: {msg: "No space left on device"}

- name: What comes after it
  ansible.builtin.import_playbook: after.yml
"""
AFTER = """\
- name: A play of another
  hosts: two
  gather_facts: false
  tasks:
    - name: Do something
      ansible.builtin.command: "true"
"""
SLOW = """\
- name: A slow play
  hosts: one
  gather_facts: false
  tasks:
    - name: Sleep
      ansible.builtin.command: sleep 5
"""


@pytest.fixture
def playbooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AnsiblePlaybooks:
    """Playbooks `site`, `slow` and `lone` in a project of their own."""
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "site.yml").write_text(PLAYBOOK)
    (tmp_path / "playbooks" / "slow.yml").write_text(SLOW)
    (tmp_path / "playbooks" / "lone.yml").write_text(LONE)
    (tmp_path / "playbooks" / "after.yml").write_text(AFTER)
    (tmp_path / "ansible.cfg").write_text("[defaults]\nlocalhost_warning = false\n")
    inventory = tmp_path / "inventory"
    inventory.mkdir()
    (inventory / "hosts.yml").write_text(HOSTS)
    (inventory / ".vault-password").write_text("secret\n")
    monkeypatch.setattr(ansible, "PROJECT", tmp_path)
    return AnsiblePlaybooks(inventory)


def test_a_run_is_told_and_reported(playbooks: AnsiblePlaybooks) -> None:
    told: list[Event] = []
    report = playbooks.run("site", told.append)
    assert PlayStarted("A play") in told
    assert TaskStarted("Fail on one") in told
    assert HostDone("two", "Fail on one", Outcome.SKIPPED) in told
    assert [(f.host, f.message) for f in report.failures] == [("one", "No space left on device")]
    assert report.recap.hosts == {"one", "two"}
    assert report.recap.failed == {"one"}
    assert not report.ok
    assert report.complaint == ""
    assert not report.broken_off
    said = " ".join(event.text for event in told if isinstance(event, Said))
    folder = said.partition("True ")[2].split()[0].strip('"')
    assert "provisioner-" in folder
    assert not Path(folder).exists()


def test_fleets_do_not_share_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/administrator")
    (tmp_path / "link").symlink_to(tmp_path / "north")

    def folder(name: str) -> str:
        return AnsiblePlaybooks(tmp_path / name)._environment()["ANSIBLE_SSH_CONTROL_PATH_DIR"]

    assert folder("north") != folder("south")
    assert folder("north") == folder("link")
    # ssh makes a socket under another name first, 17 bytes longer, and a path ends with a zero byte.
    longest = f"{folder('north')}/2001:db8:1111:2222:3333:4444:5555:6666-22-deploy"
    assert len(longest) + 17 < 108


def test_a_limit_that_names_nobody_is_a_complaint(playbooks: AnsiblePlaybooks) -> None:
    report = playbooks.run("site", lambda event: None, limit="three")
    assert not report.ok
    assert "no hosts" in report.complaint
    assert report.nobody


def test_plays_that_ansible_no_longer_begins_are_told(playbooks: AnsiblePlaybooks) -> None:
    first = playbooks.run("lone", lambda event: None)
    assert first.recap.hosts == first.lost == {"one"}
    assert first.broken_off
    again = playbooks.run("lone", lambda event: None, limit="all:!one")
    assert again.recap.changed == {"two"}
    assert again.ok
    assert playbooks.run("lone", lambda event: None, limit="one,!one").nobody


def test_ctrl_c_ends_ansible_and_is_passed_on(playbooks: AnsiblePlaybooks) -> None:
    def press(event: Event) -> None:
        if isinstance(event, TaskStarted):
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        playbooks.run("slow", press)
    assert signal.getsignal(signal.SIGINT) is handler
