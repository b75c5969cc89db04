"""What Sympa has no command for, or one that takes too long, through its own Perl library."""

from __future__ import annotations

from collections.abc import Sequence

from provisioner_dem.commands import run

USER = "sympa"

_BEGIN = r"""
use lib '/usr/share/sympa/lib';
use Conf; use Sympa::DatabaseManager; use Sympa::List; use Sympa::Log; use Sympa::User;
Conf::load() or die "no configuration"; my $database = Sympa::DatabaseManager->instance or die "no database";
Sympa::Log->instance->openlog(service => 'sympa', database_backend => 'Sympa::DatabaseManager');
my @said; my $input = do { local $/; <STDIN> };
"""
_SUBSCRIBE = r"""
my $list = Sympa::List->new(@ARGV) or die "no list";
$database->do_query('SET autocommit = 0') or die 'no transaction';
$list->add_list_member((map { {email => $_} } split /\n/, $input), stash => \@said);
my ($wrong) = grep { $_->[0] ne 'notice' } @said;
die "$wrong->[2]{email}: $wrong->[1]\n" if $wrong;
$database->do_query('COMMIT') or die 'not written';
"""
_SIGN_OFF = r"""
my $list = Sympa::List->new(@ARGV) or die "no list";
$list->delete_list_member([$input], exclude => 1, operation => 'signoff', stash => \@said);
my ($wrong) = grep { $_->[0] eq 'intern' } @said;
die "$wrong->[1]\n" if $wrong;
"""
_ADMINISTRATOR = r"""
my ($email) = @ARGV; my $user = Sympa::User::get_global_user($email);
my $old = $user ? ($user->{password} // '') : '';
if (length $old and Sympa::User::password_fingerprint($input, $old) eq $old) { print 'same'; exit 0 }
($user ? Sympa::User::update_global_user($email, {password => $input})
       : Sympa::User::add_global_user({email => $email, password => $input}))
  or die 'not changed';
print 'changed';
"""


def subscribe(name: str, domain: str, emails: Sequence[str]) -> None:
    """All or none. Sympa's own command takes 0.2 s for each: it words a report. Raises: DemError."""
    run(["perl", "-e", _BEGIN + _SUBSCRIBE, name, domain], "\n".join(emails), user=USER)


def sign_off(name: str, domain: str, email: str) -> None:
    """As Sympa's handler of it does, but for a letter. Runs as Sympa's user. Raises: DemError."""
    run(["perl", "-e", _BEGIN + _SIGN_OFF, name, domain], email)


def set_password(email: str, password: str) -> bool:
    """Sympa makes the hash, and tells whether the old one fits; False then. Raises: DemError."""
    return run(["perl", "-e", _BEGIN + _ADMINISTRATOR, email], password, user=USER).endswith("changed")
