# The HTML reports in a browser: hostile names in every field are shown as text
# and make neither an element nor a request, the page has what readers of every
# kind need, and nothing is wider than a phone.  Skipped without Chromium.
use strict;
use warnings;
use utf8;
use Encode qw(decode_utf8 encode_utf8);
use FindBin;
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

use lib $FindBin::RealBin;
use ReportWorld;

my ($browser) = grep { -x } map { my $dir = $_; map { "$dir/$_" } qw(chromium chromium-browser google-chrome) } split /:/, $ENV{PATH};

# Whoever follows a link of the report would knock here.
my $trap = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', Proto => 'tcp') or die "no port: $!";
my ($node, $super, $id) = report_world('pages', $trap->sockport);
my $dir = PostgreSQL::Test::Utils::tempdir;

my %page = (
	incident => value($node, 'auditor', "SELECT dataclass_audit.incident_report_html($id)"),
	compliance => value($node, 'officer', 'SELECT dataclass_audit.compliance_report_html(NULL, NULL)'),
);

# Each text as a reader sees it: hidden characters by number.
sub shown
{
	my ($text) = @_;
	return $text =~ s/([\x00-\x1f\x7f-\x9f\x{ad}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}])/sprintf 'U+%04X', ord $1/ger;
}

# ---- what needs no browser

for my $name (sort keys %page)
{
	my $html = $page{$name};
	unlike($html, qr/[^\x00-\x7f]/, "$name: ASCII, whatever the encoding");
	like($html, qr/^<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n/, "$name: type, language and encoding come first");
	like($html, qr/<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline';/, "$name: its policy forbids all but style");
	like($html, qr/<meta name="viewport" content="width=device-width, initial-scale=1">/, "$name: for phones");
	# texts have no angle bracket, so this finds every element and nothing else
	my @tags = $html =~ /<([^>]*)>/g;
	is_deeply([ grep { /^(script|link|img|iframe|object|embed|form|base|a\b|use|image)|\son\w+=|\b(src|href|action|background)=|http(?!:\/\/www\.w3\.org\/2000\/svg"|-equiv)/i } @tags ],
		[], "$name: no script, nothing loaded, no link");
	my ($style) = $html =~ /<style>(.*?)<\/style>/s;
	unlike($style, qr/\@import|url\(|expression/, "$name: nothing loaded by its style");
	append_to_file("$dir/$name.html", encode_utf8($html));
}
like($page{compliance}, qr/not by this report: SELECT \* FROM dataclass_audit\.verify\(\)/, 'compliance: says that it verified nothing');

# ---- errors

for my $period ("now(), now()", "now(), now() - interval '1 day'", "'infinity', NULL")
{
	my (undef, $err) = as_role($node, 'auditor', "\\set VERBOSITY verbose\nSELECT dataclass_audit.compliance_report_html($period)");
	like($err, qr/22023: period of the report must end after it begins/, "period $period");
}
like(value($node, 'auditor', "SELECT dataclass_audit.compliance_report_html('2001-01-01', '2001-02-01')"),
	qr/There were no breaches in this period/, 'a period before there was a trail');

# ---- numbers of the page against those of the trail

my $breaches = value($node, 'auditor', 'SELECT sum(coalesce(repeats, 1)) FROM dataclass_audit.event WHERE breach');
like(value($node, 'auditor', "SELECT dataclass_audit.compliance_report_html(NULL, now() + interval '1 day')"),
	qr{<dt>Breaches</dt><dd>$breaches</dd>}, 'breaches are counted');

SKIP:
{
	skip 'no Chromium', 1 if !$browser;

	# The wrapper may look into the frame because both are files.
	append_to_file("$dir/look.js", <<'JS');
function look(name, frame) {
	const d = frame.contentDocument, all = [...d.querySelectorAll('*')], w = frame.contentWindow;
	const texts = [...d.querySelectorAll('td, th, dd, li, p, text')].map(e => e.textContent);
	const tags = [...new Set(all.map(e => e.localName))].sort();
	const attributes = [...new Set(all.flatMap(e => e.getAttributeNames()))].sort();
	const contrast = [];
	const lum = c => { const v = c.map(x => { x /= 255; return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; }); return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
	const rgb = s => { const m = s.match(/[\d.]+/g).map(Number); return m.length > 3 && m[3] < 1 ? null : m.slice(0, 3); };
	for (const e of all) {
		if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || e.closest('head')) continue;
		let ground = null;
		for (let p = e; p && !ground; p = p.parentElement) ground = rgb(w.getComputedStyle(p).backgroundColor);
		const style = w.getComputedStyle(e), ink = rgb(e.closest('svg') ? style.fill : style.color);
		if (!ink || !ground || e.closest('title, desc')) continue;
		const a = lum(ink), b = lum(ground), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) contrast.push(e.localName + '.' + (e.getAttribute('class') || '') + ' ' + ratio.toFixed(1));
	}
	return { name, tags, attributes, texts, contrast: [...new Set(contrast)],
		title: d.title, headings: [...d.querySelectorAll('h1, h2, h3, h4')].map(e => +e.localName[1]),
		width: d.documentElement.scrollWidth, wide: all.filter(e => e.getBoundingClientRect().right > w.innerWidth + 1 && !e.closest('thead, svg')).map(e => e.localName + '.' + (e.getAttribute('class') || '')),
		requests: w.performance.getEntriesByType('resource').length,
		scope: all.filter(e => e.localName === 'th' && !e.hasAttribute('scope')).length,
		caption: [...d.querySelectorAll('table')].filter(t => !t.caption).length,
		ids: all.map(e => e.id).filter((x, i, l) => x && l.indexOf(x) !== i),
		labelled: [...d.querySelectorAll('[aria-labelledby]')].flatMap(e => e.getAttribute('aria-labelledby').split(' ')).filter(x => !d.getElementById(x)),
		charts: [...d.querySelectorAll('svg')].map(s => [s.getAttribute('role'), !!s.querySelector('title'), !!s.querySelector('desc'), s.getBoundingClientRect().height > 20]) };
}
function all() {
	const out = [...document.querySelectorAll('iframe')].map(f => look(f.id, f));
	document.body.textContent = 'RESULT' + JSON.stringify(out) + 'TLUSER';
}
JS
	append_to_file("$dir/wrapper.html", '<!DOCTYPE html><html><head><meta charset="utf-8"><script src="look.js"></script></head><body onload="all()">'
		. join('', map { my $w = $_; map { qq{<iframe id="$_-$w" src="$_.html" width="$w" height="800" style="border:0"></iframe>} } sort keys %page } 360, 1280)
		. '</body></html>');

	sub chromium
	{
		my ($file, @options) = @_;
		my ($out, $err) = ('', '');
		my $timer = IPC::Run::timer(120);
		eval {
			IPC::Run::run([ $browser, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
					'--disable-background-networking', "--user-data-dir=$dir/profile", @options, "file://$dir/$file" ],
				'<', \undef, '>', \$out, '2>', \$err, $timer);
		};
		return (decode_utf8($out), $err);
	}

	for my $scheme ('light', 'dark')
	{
		my ($dom, $err) = chromium('wrapper.html', '--dump-dom', '--allow-file-access-from-files',
			$scheme eq 'dark' ? ('--blink-settings=preferredColorScheme=0') : ('--blink-settings=preferredColorScheme=1'));
		my ($json) = $dom =~ /RESULT(.*)TLUSER/s;
		ok($json, "$scheme: the browser answered") or do { diag(substr($err, 0, 2000)); last };
		$json =~ s/&lt;/</g; $json =~ s/&gt;/>/g; $json =~ s/&nbsp;/\x{a0}/g; $json =~ s/&amp;/&/g;
		for my $look (@{ decode_json(encode_utf8($json)) })
		{
			my $what = "$scheme, $look->{name}";
			is_deeply($look->{contrast}, [], "$what: text can be told from its ground");
			next if $scheme eq 'dark';
			is_deeply([ grep { !/^(html|head|meta|title|style|body|header|main|footer|section|h[1-3]|p|div|span|bdi|dl|dt|dd|ol|li|strong|code|table|caption|thead|tbody|tr|th|td|svg|desc|rect|line|text|tspan)$/ } @{ $look->{tags} } ],
				[], "$what: no element that is not ours");
			is_deeply([ grep { !/^(lang|charset|http-equiv|content|name|class|id|role|scope|data-h|aria-labelledby|viewBox|xmlns|x|y|x1|x2|y1|y2|width|height|text-anchor)$/ } @{ $look->{attributes} } ],
				[], "$what: no attribute that is not ours");
			is($look->{requests}, 0, "$what: nothing was requested");
			my ($wide) = $look->{name} =~ /(\d+)$/;
			ok($look->{width} <= $wide, "$what: no wider than the screen") or diag("$look->{width}: @{ $look->{wide} }");
			is_deeply($look->{wide}, [], "$what: nothing sticks out");
			is(join('', @{ $look->{headings} }) =~ /^12(2|23*)*$/ ? 'in order' : join(' ', @{ $look->{headings} }), 'in order', "$what: headings");
			is_deeply([ @$look{qw(scope caption ids labelled)} ], [ 0, 0, [], [] ], "$what: heads have a scope, tables a caption, names lead somewhere");
			ok(@{ $look->{charts} } > 0, "$what: there are charts");
			is_deeply([ grep { join(',', map { $_ // '' } @$_) ne 'img,1,1,1' } @{ $look->{charts} } ], [], "$what: charts are images with title and description");

			my $text = join("\n", @{ $look->{texts} });
			my @expected = $look->{name} =~ /incident/
			  ? (qw(application node), grep { !/^role|^reason$/ } sort keys %hostile)
			  : (grep { /^role|^table/ } sort keys %hostile);
			for my $field (sort @expected)
			{
				my $want = shown($hostile{$field});
				$want =~ s/"/""/g if $field =~ /^table/;
				ok(index($text, $want) >= 0, "$what: $field is shown as it is") or diag("not found: $want");
			}
			like($text, qr/<a href=javascript:alert\(4\)>told<\/a>.*U\+2066xU\+200B &lt; 🇵🇰/, "$what: the reason, references and all") if $look->{name} =~ /incident/;
		}
	}

	# Without the wrapper: the page alone, as it would be opened.
	for my $name (sort keys %page)
	{
		my ($dom) = chromium("$name.html", '--dump-dom');
		like($dom, qr/<h1>/, "$name: opened alone");
		unlike($dom, qr/<script|<svg[^>]*onload|<img|<a[ >]/, "$name: no element came of a name");
		chromium("$name.html", "--print-to-pdf=$dir/$name.pdf");
		ok(-s "$dir/$name.pdf", "$name: can be printed");
	}
	ok(!IO::Select->new($trap)->can_read(0), 'nobody knocked');
}

$node->stop;
done_testing();
