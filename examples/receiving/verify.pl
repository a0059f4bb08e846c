use strict;
use warnings;

use Digest::SHA qw(hmac_sha256 hmac_sha256_hex);
use JSON::PP qw(decode_json);
use MIME::Base64 qw(decode_base64 encode_base64);

# Body, headers and secret are bytes here, as they come from a socket or a file.

# Looks at every byte whatever the first ones are, so that the time says nothing.
sub is_equal {
    my ($expected, $received) = @_;
    return 0 if length($expected) != length($received);
    my $difference = $expected ^ $received;
    return ($difference =~ tr/\0//c) == 0;
}

sub verify_webhook {
    my ($body, $signature, $secret) = @_;
    $signature =~ s/^sha256=//;
    return is_equal(hmac_sha256_hex($body, $secret), $signature);
}

# Standard Webhooks; the header names are in lower case.
sub verify_standard {
    my ($headers, $body, $secret, $tolerance_seconds) = @_;
    $tolerance_seconds //= 300;
    my ($id, $timestamp, $signatures) = @$headers{qw(webhook-id webhook-timestamp webhook-signature)};
    return 0 unless defined $id && defined $signatures && ($timestamp // '') =~ /\A[0-9]{1,15}\z/;
    return 0 if abs(time - $timestamp) > $tolerance_seconds;

    my $key = $secret =~ /\Awhsec_(.*)\z/s ? decode_base64($1) : $secret;
    my $expected = 'v1,' . encode_base64(hmac_sha256("$id.$timestamp.$body", $key), '');
    return scalar grep { is_equal($expected, $_) } split / /, $signatures;
}

unless (caller) {
    my $request = decode_json(do { local $/; <STDIN> });
    my %headers = map { lc($_) => $request->{headers}{$_} } keys %{ $request->{headers} };
    my ($body, $secret) = (decode_base64($request->{body_base64}), $request->{secret});
    utf8::encode($_) for values %headers, $secret;
    my @checks;
    push @checks, verify_standard(\%headers, $body, $secret) if exists $headers{'webhook-signature'};
    for my $name (qw(x-signature x-webhook-signature)) {
        push @checks, verify_webhook($body, $headers{$name}, $secret) if exists $headers{$name};
    }
    print @checks && !(grep { !$_ } @checks) ? "ok\n" : "not ok\n";
}

1;
