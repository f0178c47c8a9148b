#!/bin/sh
# Checks this evidence package with sh, sha256sum and openssl (3.0 or newer) alone; changes nothing.
# 仅用 sh、sha256sum 和 openssl（3.0 或更高版本）核验本证据包；不改动任何文件。
#
#   sh check.sh [CA.pem]
#
# CA.pem is the root certificate that you trust, obtained from the issuer by another way than this package.
# Without it the package's own certificates/ca.pem is used: that shows only that the package agrees with itself.
# CA.pem 是您通过本包以外的途径取得并信任的根证书；不给出时使用包内 certificates/ca.pem，只能证明本包自身一致。
#
set -u
export LC_ALL=C

ca=${1:-}
case $ca in '' | /*) ;; *) ca=$PWD/$ca ;; esac
cd "$(dirname "$0")" || exit 2
if [ -z "$ca" ]; then
    ca=certificates/ca.pem
    echo "NOTE  trusting the package's certificates/ca.pem; compare its fingerprint 请另行核对根证书的指纹："
    echo "      $(openssl x509 -in "$ca" -noout -fingerprint -sha256)"
fi
pdf=contract/contract.signed.pdf
chain=certificates/chain.pem chains=certificates/chain.pem lists=certificates/crls.pem
judged=$(printf '%s\n' manifest.json manifest.p7s manifest.tsq log/log.pub.pem log/log.vkey log/checkpoint \
    log/checkpoint.text log/checkpoint.sig)
stamps='' acted='' placed='' beside='^$'

# Forms of what is read below, so that each part can stand in one place only, each value has one form, and no number is
# anything else.
number='(0|[1-9][0-9]{0,17})' digest='[0-9a-f]{64}'
day='[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])' hour='([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]'
date="${day}T${hour}Z"
text='"([^"\\]|\\["\\bfnrt]|\\u00(0[0-7be-f]|1[0-9a-f]))*"' plain='"[^" \\]+"'
path='[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*'
file="\\{\"path\":\"$path\",\"sha256\":\"$digest\",\"size\":$number\\}"
files="\"created\":\"$date\",\"files\":\\[$file(,$file)*\\]"
state="\"checkpoint\":\\{\"origin\":\"[^\"\\\\]+\",\"root\":\"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=\",\"size\":$number\\}"
for_one="\"made_for\":$text(,\"powers_stated_since\":$number)?,\"withheld\":\\[($number(,$number)*)?\\]"
capture_form="\\{\"capture\":\"[0-9a-f]{24}\",$state,$files,\"format\":\"vermilion-capture-manifest/1\",\"made_for\":$text\\}"
contract_form="\\{$state,\"contract\":$plain,$files,\"format\":\"vermilion-evidence-manifest/[123]\"(,$for_one)?\\}"
numbered='([0-9]{8}|[1-9][0-9]{8,17})'
pair="\"[a-z0-9_-]+\":($text|$number|null|true|false)"
pairs="\\{($pair(,$pair)*)?\\}"
entry="\\{\"at\":\"$date\",\"commitments\":$pairs,\"format\":\"[a-z0-9/-]+\",\"kind\":\"[a-z0-9-]+\",\"public\":$pairs\\}"
index="#.*|(signature|timestamp|own) [0-9]{2,3} $number $number $number"

# what is UTF-8 (RFC 3629)
more=$(printf '[\200-\277]')
utf8=$(printf '([\001-\177]|[\302-\337]%s|\340[\240-\277]%s|[\341-\354\356\357]%s|\355[\200-\237]%s|\360[\220-\277]%s|' \
    "$more" "$more" "$more$more" "$more" "$more$more")$(printf '[\361-\363]%s|\364[\200-\217]%s)*' "$more$more$more" "$more$more")

fail() { printf 'FAIL  %s\n' "$1" >&2; exit 1; }
pass() { printf 'ok    %s\n' "$1"; }

# checked FILE...: these files need not be named at the end as only listed
checked() { judged=$(printf '%s\n' "$judged" "$@"); }

# is FORM FILE...: each file is one line of that form, in UTF-8, without control characters
is() {
    form=$1
    shift
    [ "$(cat "$@" | tr -cd '\000-\037' | wc -c)" -eq 0 ] && ! awk 1 "$@" | grep -aqvxE "$utf8" &&
        [ "$(awk 1 "$@" | grep -acxE "$form")" -eq $# ]
}

# awk's functions: whether there is such a day; seconds since 1970 of a civil date, and of a date as openssl writes it
# ("Nov 25 08:00:00 2026 GMT")
dates='
    function exists(year, month, day) {
        return year > 0 && day <= (month != 2 ? 30 + (month + int(month / 8)) % 2 : \
            28 + (year % 4 == 0 && year % 100 != 0 || year % 400 == 0))
    }
    function epoch(year, month, day, clock, part) {
        split(clock, part, ":")
        if (month < 3) { month += 12; year-- }
        return ((365 * year + int(year / 4) - int(year / 100) + int(year / 400) \
            + int((153 * month - 457) / 5) + day - 719469) * 24 + part[1]) * 3600 + part[2] * 60 + int(part[3])
    }
    function seconds(text, part) {
        split(text, part, " ")
        return epoch(part[4], (index("JanFebMarAprMayJunJulAugSepOctNovDec", part[1]) + 2) / 3, part[2], part[3])
    }'

# form TIMESTAMP: the option of openssl for a token; a whole reply needs none
form() { case $1 in *.tst) echo -token_in ;; esac; }

# stamped TIMESTAMP: its time in seconds since 1970, a blank, and as openssl writes it
stamped() {
    # shellcheck disable=SC2046 # an option or none
    openssl ts -reply $(form "$1") -in "$1" -text 2>/dev/null | awk "$dates"'
        sub(/^Time stamp: /, "") {
            told++; at = seconds($0); date = $0
            if (split($3, second, ".") > 1 && (length(second[2]) > 6 || second[2] !~ /[1-9]$/)) told = 9 # programs differ there
        }
        END { if (told == 1) printf "%.0f %s\n", at, date }'
}

# dated TIMESTAMP: sets at and when
dated() {
    when=$(stamped "$1") at=${when%% *} when=${when#* }
    [ -n "$at" ] || fail "$1 is no timestamp 时间戳无法读取"
}

# dates TIMESTAMP OPTION FILE: it is a good RFC 3161 timestamp over the file (-data), or in reply to it (-queryfile)
dates() {
    case $1 in renewals/*) issuers=${1%tsr}pem ;; *) issuers=$chain ;; esac
    # shellcheck disable=SC2046 # an option or none
    openssl ts -verify $(form "$1") -in "$1" "$2" "$3" -attime "$at" -CAfile "$ca" -untrusted "$issuers" >/dev/null 2>&1
}

# answers REPLY QUERY: both are as they are made here, and nothing else is in them
answers() {
    openssl ts -query -in "$2" 2>/dev/null | cmp -s - "$2" && openssl ts -reply -in "$1" 2>/dev/null | cmp -s - "$1" &&
        [ "$(tail -c 3 "$2" | od -An -v -tx1 | tr -d ' ')" = 0101ff ] &&
        [ "$(openssl ts -reply -in "$1" -text 2>/dev/null | sed -n 2p)" = 'Status: Granted.' ] &&
        [ "$(openssl ts -query -in "$2" -text 2>/dev/null | sed '/^ /d; s/^Nonce: .*/Nonce/')" = 'Version: 1
Hash Algorithm: sha256
Message data:
Policy OID: unspecified
Nonce
Certificate required: yes
Extensions:' ]
}

# check_dated TIMESTAMP WHAT COMMAND: it is over what the command prints, and a reply one to the query beside it, too
check_dated() {
    stamp=$1 what=$2
    shift 2
    dated "$stamp"
    query=${stamp%r}q
    "$@" | dates "$stamp" -data /dev/stdin &&
        { [ -n "$(form "$stamp")" ] || { dates "$stamp" -queryfile "$query" && answers "$stamp" "$query"; }; } ||
        fail "timestamp of $what时间戳无效"
    checked "$stamp"
    stamps=$(printf '%s\n' "$stamps" "$stamp")
}

# signs SIGNATURE: a detached CMS signature over what comes in, and over its certificate, valid at $at, which is printed
signs() {
    openssl cms -verify -cades -binary -inform DER -in "$1" -content /dev/stdin -out /dev/null -signer /dev/stdout \
        -attime "$at" -CAfile "$ca" -no-CApath -no-CAstore -certfile "$chain" 2>/dev/null
}

# by CERTIFICATE: it is the $signer
by() {
    printf '%s\n' "$signer" | cmp -s - "certificates/$1.pem" ||
        fail "certificates/$1.pem is not of its signature 证书并非签名所用证书"
    names=$(printf '%s\n' "$signer" | openssl x509 -noout -subject -nameopt sname,utf8,esc_ctrl,sep_multiline)
    person=$(printf '%s\n' "$names" | awk 'sub(/^ *serialNumber=/, "") { all++; one = $0 } END { if (all == 1) print one }')
    case $1,$person in own-*) ;; *,person-*.document | *,person-*.hash)
        fail "$name is signed by a key for other software 由供其他软件使用的密钥签名" ;;
    esac
    who=$(printf '%s\n' "$names" | awk 'NR > 1 { sub(/^ */, ""); printf "%s%s", (NR > 2 ? ", " : ""), $0 }')
}

# service CERTIFICATE: it is the evidence service's. Those of people and seals have a serialNumber in their names,
# those of other services another extended key usage, those of authorities none.
service() {
    ! printf '%s\n' "$names" | grep -q '^ *serialNumber=' && printf '%s\n' "$names" | grep -q '^ *CN=' &&
        openssl x509 -in "certificates/$1.pem" -noout -ext extendedKeyUsage | grep -q 'E-mail Protection'
}

check_files() {
    # of more than one certificate all would be trusted, and one fingerprint shown
    [ "$(openssl x509 -in "$ca" 2>/dev/null)" = "$(tr -d '\r' <"$ca")" ] ||
        fail "the file of the root has to hold that certificate alone 根证书文件须仅含这一张证书"
    [ -z "$(find . -type l)" ] || fail "there are links among the files 文件中有链接"
    [ -z "$(find . -name '*[!A-Za-z0-9._-]*')" ] || fail "a file has a name that is not plain 文件名含有其他字符"
    sed 's/^.*,"created":"\([^"]*\)","files":.*/\1/' manifest.json | awk "$dates"'
        { exit !exists(substr($0, 1, 4) + 0, substr($0, 6, 2) + 0, substr($0, 9, 2) + 0) }' ||
        fail "manifest.json is not in its one form 清单格式不符"
    listed=$(tr '{' '\n' <manifest.json |
        sed -n 's/^"path":"\([^"]*\)","sha256":"\([0-9a-f]*\)","size":[0-9]*}.*$/\2  \1/p')
    paths=$(printf '%s\n' "$listed" | cut -c67-)
    [ "$paths" = "$(printf '%s\n' "$paths" | sort)" ] && [ -z "$(printf '%s\n' "$paths" | tr A-Z a-z | sort | uniq -d)" ] ||
        fail "the manifest lists files twice, unsorted, or alike but for case 清单所列文件重复或未排序"
    printf '%s\n' "$listed" | sha256sum -c >/dev/null 2>&1 ||
        fail "a file is not the one in the manifest 有文件与清单不符"
    [ "$(printf '%s\n' "$paths" | xargs wc -c | awk '$2 != "total" { print $2, $1 }')" = \
        "$(tr '{' '\n' <manifest.json | sed -n 's/^"path":"\([^"]*\)".*"size":\([0-9]*\)}.*$/\1 \2/p')" ] ||
        fail "a file is not of the size in the manifest 有文件大小与清单不符"
    present=$(find . ! -type d | sed 's|^\./||' | sort)
    [ "$(printf '%s\n' "$present" | grep -vE "$beside")" = "$({ printf '%s\n' "$paths"; printf 'manifest.%s\n' json p7s tsq tsr; } | sort)" ] ||
        fail "there are files that the manifest does not list 存在清单未列出的文件"
    pass "every file is the one in the manifest, and no other is here 全部文件与清单一致，且无多余文件"
}

# formed SIGNATURE: it states its time, has no content and nothing unsigned, and nothing stands behind it
formed() {
    openssl cms -cmsout -inform DER -outform DER -in "$1" 2>/dev/null | cmp -s - "$1" &&
        [ "$(openssl cms -cmsout -print -noout -inform DER -in "$1" 2>/dev/null | awk '
            /^ +object: signingTime [(]1[.]2[.]840[.]113549[.]1[.]9[.]5[)]$/ { print "time" }
            /^      eContentType: pkcs7-data [(]1[.]2[.]840[.]113549[.]1[.]7[.]1[)]$/ { print "data" }
            /^ +eContent: <ABSENT>$/ { print "detached" }
            /^ +(crls|unsignedAttrs):$/ { getline; if (/<(ABSENT|EMPTY)>$/) print "none" }')" = 'data
detached
none
time
none' ]
}

# fitting VERSION: what no signature covers in the CMS that comes in fits the rest: versions, names of the algorithms
fitting() {
    openssl cms -cmsout -print -noout -inform DER 2>/dev/null | awk -v version="$1" '
        /^    version: / { said = $2 }
        /^    signerInfos:/ { signer = 1 }
        /^        version: / && signer { own = $2 }
        /^        algorithm: / && !signer { listed = listed $2 " " }
        /^          algorithm: / && signer { used[++count] = $2 }
        END {
            known = index(toupper(used[2]), toupper(used[1])) || used[2] ~ /^(rsaEncryption|rsassaPss|ED25519|ED448)$/
            exit !(said == version && own == 1 && count == 2 && listed == used[1] " " && known)
        }'
}

# hex: what comes in, in hexadecimal; element N: where in the certificate that comes in (DER, in hexadecimal) its N-th
# part is, as cut -c takes it: of version, serial number, algorithm, issuer
hex() { od -An -v -tx1 | tr -d ' \n'; }
element() {
    openssl asn1parse 2>/dev/null | tr ':=' '  ' | awk -v n="$1" '
        $3 == 2 && ++count == n { printf "%d-%d\n", 2 * $1 + 1, 2 * ($1 + $5 + ($6 == "l" ? $7 : substr($6, 3))) }'
}

# names_signer CERTIFICATE: the CMS that comes in names its signer as the certificate does, octet by octet; to openssl
# other letters are the same
names_signer() {
    octets=$(printf '%s\n' "$1" | openssl x509 -outform DER 2>/dev/null | hex)
    named=$(for each in 4 2; do
        printf %s "$octets" | cut -c"$(printf '%s\n' "$1" | element "$each")" | tr -d '\n'
    done) size=$((${#named} / 2))
    if [ "$size" -gt 255 ]; then head=82$(printf %04x "$size"); elif [ "$size" -gt 127 ]; then head=81$(printf %02x "$size"); else
        head=$(printf %02x "$size")
    fi
    hex | grep -qF "02010130$head$named"
}

# own_alone [FILE]: the certificates in what comes in (PKCS #7) are the package's, or in the file
own_alone() {
    { cat certificates/*.pem "$@"; echo inside; openssl pkcs7 -inform DER -print_certs 2>/dev/null; } | awk '
        /^inside$/ { inside = 1 }
        /^-----BEGIN / { block = "" }
        { block = block $0 "\n" }
        /^-----END / { if (!inside) own[block] = 1; else if (!(block in own)) exit 1 }'
}

check_manifest() {
    dated manifest.tsr
    made=$at renewed=$at
    signer=$(signs manifest.p7s <manifest.json) && formed manifest.p7s && fitting 1 <manifest.p7s || fail "signature of the manifest 清单签名无效"
    printf '%s\n' "$signer" | cmp -s - certificates/evidence.pem ||
        fail "signature of the manifest by another than the evidence service 清单并非由证据服务签名"
    by evidence
    service evidence ||
        fail "signature of the manifest by another than the evidence service 清单并非由证据服务签名"
    openssl ts -reply -in manifest.tsr -token_out 2>/dev/null | fitting 3 || fail "timestamp of the manifest 清单时间戳无效"
    names_signer "$signer" <manifest.p7s && for pem in certificates/timestamping*.pem; do
        openssl ts -reply -in manifest.tsr -token_out 2>/dev/null | names_signer "$(cat "$pem")" && echo plain
    done | grep -q plain || fail "the manifest's seals name their signers otherwise than certificates do 签名人名称写法不符"
    own_alone <manifest.p7s && openssl ts -reply -in manifest.tsr -token_out 2>/dev/null | own_alone ||
        fail "the manifest's seals carry a certificate that is not here 清单签名或时间戳另带其他证书"
    check_dated manifest.tsr "the manifest 清单" cat manifest.json
    pass "signature of the manifest by the evidence service, $when 清单签名与时间戳有效"
}

# nth N FILE: the N-th certificate or list of a PEM file
nth() { awk -v n="$1" '/^-----BEGIN / { at++ } at == n' "$2"; }

# count FILE: the numbers of its certificates or lists
count() { awk '/^-----BEGIN / { print ++at }' "$1"; }

# plain FILE COMMAND: the PEM file is what openssl reads in it, and no more
plain() {
    for each in $(count "$1"); do nth "$each" "$1" | openssl "$2" 2>/dev/null; done | cmp -s - "$1" ||
        fail "$1 has something else in it 文件有其他内容"
}

# listed_since SERIAL: since when (seconds since 1970) the lists have it as not to be believed; nothing where they have
# not. That is its revocation or, where a key fell into other hands, since then, if that is earlier (RFC 5280, 5.3.2).
listed_since() {
    printf '%s\n' "$listed_text" | awk -v serial="$1" "$dates"'
        function earlier(moment) { if (since == "" || moment < since) since = moment }
        /^ *Serial Number: / { own = $3 == serial; compromised = 0 }
        /^ *Signature Algorithm: / { own = 0 }
        !own { next }
        /^ *Revocation Date: / { sub(/^ *Revocation Date: /, ""); earlier(seconds($0)) }
        /^ *X509v3 CRL Reason Code:/ { getline; compromised = /Key Compromise|CA Compromise/ }
        /^ *Invalidity Date:/ { getline; if (compromised) earlier(seconds($0)) }
        END { if (since != "") printf "%.0f\n", since }'
}

# trusted CERTIFICATE OPTIONS: it leads to the trusted root. That it was valid when it signed, its signature has shown.
trusted() {
    # shellcheck disable=SC2046,SC2086 # options and their values
    printf '%s\n' "$1" | openssl verify -CAfile "$ca" -no-CApath -no-CAstore $(options -untrusted $chains) -no_check_time $2 2>&1
}

# options OPTION FILE...: the option for each file
options() {
    option=$1
    shift
    for file in "$@"; do printf '%s %s\n' "$option" "$file"; done
}

# serial CERTIFICATE: its number
serial() { printf '%s\n' "$1" | openssl x509 -noout -serial | cut -d= -f2; }

# only_revoked TOLD: what openssl has against the certificate itself, and nothing else
only_revoked() {
    case $(printf '%s\n' "$1" | grep '^error [0-9]') in
    *lookup*lookup*) return 1 ;;
    'error 23 at 0 depth lookup'*) return 0 ;;
    *) return 1 ;;
    esac
}

# stands CERTIFICATE SIGNED: it is trusted and, if one of the lists has it, then only since after SIGNED. All lists count:
# openssl asks the newest alone, which need not have what has run out.
stands() {
    trusted "$1" '' >/dev/null || return 1
    since=$(listed_since "$(serial "$1")")
    # shellcheck disable=SC2086 # names that are plain
    told=$(trusted "$1" "-crl_check $(options -CRLfile $lists)") && { [ -z "$since" ] || [ "$2" -lt "$since" ]; } && return 0
    only_revoked "$told" && [ -n "$since" ] && [ "$2" -lt "$since" ]
}

# issuers: the certificates of $chains, each once
issuers() {
    # shellcheck disable=SC2086 # names that are plain
    cat $chains | awk '{ block = block $0 "\n" } /^-----END / { if (!(block in seen)) printf "%s", block; seen[block]; block = "" }'
}

# gather: sets once what the lists say, the certificates of $chains, of each with whom it names and its place, and who signs lists
gather() {
    [ -z "${listed_text:-}" ] || return 0
    listed_text=$(for file in $lists; do
        for each in $(count "$file"); do nth "$each" "$file" | openssl crl -noout -text 2>/dev/null; done
    done)
    known=$(issuers)
    subjects=$(for each in $(printf '%s\n' "$known" | count /dev/stdin); do
        echo "$(issuer "$each" | openssl x509 -noout -subject_hash) $each"
    done)
    list_signers=$(
        for each in $(printf '%s\n' "$known" | count /dev/stdin); do ! signs_lists "$(issuer "$each")" || issuer "$each"; done
        ! signs_lists "$(cat "$ca")" || cat "$ca"
    )
}

# signs_lists CERTIFICATE: its key may sign revocation lists
signs_lists() {
    case $(printf '%s\n' "$1" | openssl x509 -noout -text | awk '/^            X509v3 Key Usage:/ { getline; print "uses", $0 }') in
    '' | *'CRL Sign'*) return 0 ;;
    *) return 1 ;;
    esac
}

# what openssl tells of an extension of a revocation list that all programs read alike
of_lists='            (X509v3 CRL Number: +(0x)?[0-9A-F]+|X509v3 Authority Key Identifier: +(keyid:)?[0-9A-F]{2}(:[0-9A-F]{2})*'
of_lists="$of_lists|X509v3 CRL Reason Code: +(Unspecified|(Key|CA|AA) Compromise|Affiliation Changed|Superseded"
of_lists="$of_lists|Cessation Of Operation|Certificate Hold|Privilege Withdrawn)|Invalidity Date: +[A-Z][a-z]{2} [ 0-9:]{16} GMT)"

# has_more: the list that comes in, as openssl tells it, has other extensions, fractions of seconds, or a certificate twice
has_more() {
    awk '/^            [^ ]/ { if (told) print told; told = $0; next }
        /^             / { told = told $0; next }
        { if (told) print told; told = "" }
        /^    Serial Number: / && $0 in seen { print "twice" }
        /^ +(Last Update|Next Update|Revocation Date): .*[.]/ { print "fraction" }
        { seen[$0] }
        END { if (told) print told }' | grep -aqvxE "$of_lists"
}

# are_whole FILE: each of these lists is by an authority here, a whole one that programs read alike, and says when the next
# one is due
are_whole() {
    for each in $(count "$1"); do
        ! nth "$each" "$1" | openssl crl -noout -text 2>/dev/null | has_more || return 1
    done
    for each in $(count "$1"); do
        nth "$each" "$1" | openssl crl -noout -nextupdate -no-CApath -no-CAstore -CAfile /dev/fd/3 2>&1 3<<END
$list_signers
END
    done | awk '/^verify OK$/ { signed++ } /^nextUpdate=/ { told++ } /NONE/ { told-- } /^verify fail|^Error/ { failed = 1 }
        END { exit failed || signed != told || told != lists }' lists="$(count "$1" | wc -l)"
}

# issuer N: the N-th of them
issuer() { printf '%s\n' "$known" | nth "$1" /dev/stdin; }

# issuers_of CERTIFICATE: the places of those who are named as its issuer
issuers_of() {
    printf '%s\n' "$subjects" | awk -v name="$(printf '%s\n' "$1" | openssl x509 -noout -issuer_hash)" '$1 == name { print $2 }'
}

# path_stands CERTIFICATE SIGNED: it and all above it, up to one that the root issued
path_stands() {
    stands "$1" "$2" || return 1
    case $seen in *" $1 "*) return 0 ;; esac
    seen="$seen $1 "
    for each in $(issuers_of "$1"); do (path_stands "$(issuer "$each")" "$2") || return 1; done
}

# stampers: of each timestamp the certificate here by which it was made, and until when it is proven to have been there
stampers() {
    for stamp in $stamps; do
        case $stamp in renewals/*) continue ;; esac
        until=$made own=$(stamped "$stamp") && own=${own%% *}
        case $stamp in
        signatures/*) until=$(covered_by "$stamp" "$own") ;;
        agreement/* | authority/* | voiding/*) until=$(proven_by "${stamp%tst}json" "$own") ;;
        manifest.tsr) until=$renewed ;;
        esac
        until=${until:-$made}
        [ "$until" -ge "$own" ] || until=$own
        found=$(stamper "$stamp")
        echo "${found:-none} $until"
    done
}

# stamper TIMESTAMP: the name of the certificate here by which it was made
stamper() {
    # shellcheck disable=SC2046 # an option or none
    for pem in certificates/timestamping*.pem; do
        openssl ts -reply $(form "$1") -in "$1" -token_out 2>/dev/null | openssl cms -verify -noverify \
            -inform DER -nointern -certfile "$pem" -out /dev/null 2>/dev/null && basename "$pem" .pem && break
    done
}

# is_listed CERTIFICATE: its number is among those $revoked
is_listed() { printf '%s\n' "$revoked" | grep -qxF "$(serial "$1")"; }

check_certificates() { # all lead to the trusted root, and none was revoked when it signed
    plain certificates/ca.pem x509
    openssl verify -CAfile certificates/ca.pem -no-CApath -no-CAstore -no_check_time -check_ss_sig certificates/ca.pem \
        >/dev/null 2>&1 || fail "certificates/ca.pem is no root certificate 并非根证书"
    for file in $chains; do plain "$file" x509; done
    for file in $lists; do plain "$file" crl; done
    acted=$(printf '%s\n' "$acted" && stampers) others='certificates/(ca|chain|crls|own-[0-9]+(-anchor)?)[.]pem'
    ! printf '%s\n' "$acted" | grep -q '^none ' || fail "the certificate of a timestamp is not here 缺少时间戳证书"
    ! printf '%s\n' "$present" | grep '^certificates/' | grep -qvE '^certificates/[^/]*[.]pem$' ||
        fail "certificates/ has other files 证书目录中另有文件"
    # shellcheck disable=SC2086 # names that are plain
    all_lists="-crl_check_all $(options -CRLfile $lists)"
    gather
    are_whole certificates/crls.pem ||
        fail "certificates/crls.pem has a list by no authority here, or with parts that programs read differently 吊销列表来源不明或含有各程序解读不一的内容"
    # shellcheck disable=SC2046,SC2086 # options and their values, names that are plain
    all=$(openssl verify -CAfile "$ca" -no-CApath -no-CAstore $(options -untrusted $chains) -no_check_time $all_lists \
        $(printf '%s\n' "$present" | grep '^certificates/' | grep -vxE "$others") 2>/dev/null) || all=''
    revoked=$(printf '%s\n' "$listed_text" | sed -n 's/^ *Serial Number: //p')
    [ -z "$all" ] || [ -z "$revoked" ] || for each in $(printf '%s\n' "$known" | count /dev/stdin); do
        ! is_listed "$(issuer "$each")" || all=''
    done
    for pem in $(printf '%s\n' "$present" | grep '^certificates/' | grep -vxE "$others"); do
        name=$(basename "$pem" .pem)
        at=$(printf '%s\n' "$acted" | awk -v name="$name" '$1 == name { print $2 }' | sort -n | tail -n 1)
        case $name in evidence | timestamping*) at=${at:-$made} ;; esac
        [ -n "$at" ] || fail "nothing here is signed by $pem 没有由该证书签名的内容"
        certificate=$(cat "$pem")
        openssl x509 -in "$pem" | cmp -s - "$pem" || fail "$pem is more than a certificate 证书文件有其他内容"
        { [ -n "$all" ] && ! is_listed "$certificate"; } || (seen='' && path_stands "$certificate" "$at") ||
            fail "certificate $name was revoked when it signed, or is not trusted 证书已被吊销或不受信任"
    done
    pass "the certificates are trusted and were not revoked when they signed, by these lists, of which the oldest of an
      issuer counts: of revocations after its date nothing is known 证书受信任；依据下列吊销列表，签署时未被吊销
      （同一签发方以最早的列表为准；列表日期之后的吊销无从得知）:"
    for file in $lists; do
        for each in $(count "$file"); do
            nth "$each" "$file" | openssl crl -noout -issuer -lastupdate \
                -nameopt sname,utf8,esc_ctrl,sep_comma_plus_space | sed 's/^issuer=/      /; N; s/\n[^=]*=/; /'
        done
    done
}

# named N: of the capture, the log's origin, root and size and the contract, in this order, what the manifest names
named() {
    sed -E 's/^\{("capture":"([^"]*)",)?"checkpoint":\{"origin":"([^"]*)","root":"([^"]*)","size":([0-9]*)\}(,"contract":"([^"]*)")?.*/\'"$1/" \
        manifest.json
}

# octets HEX: what it stands for
octets() {
    # shellcheck disable=SC2059 # escapes, which we have made
    printf "$(escapes "$1")"
}

# log_key: sets key and key_id, the log's public key and its number as C2SP signed-note has them, in hexadecimal
log_key() {
    openssl pkey -pubin -in log/log.pub.pem 2>/dev/null | cmp -s - log/log.pub.pem ||
        fail "log/log.pub.pem is more than a key 公钥文件有其他内容"
    spki=$(openssl pkey -pubin -in log/log.pub.pem -outform DER | od -An -v -tx1 | tr -d ' \n')
    case $spki in
    302a300506032b6570032100*) # Ed25519
        key=01${spki#302a300506032b6570032100}
        key_id=$({ printf '%s\n' "$origin" && octets "$key"; } | hashed) ;;
    *) key=02$spki key_id=$(octets "$spki" | hashed) ;;
    esac
    key_id=$(printf %s "$key_id" | cut -c1-8)
}

check_checkpoint() {
    sed '/^$/,$d' log/checkpoint | cmp -s - log/checkpoint.text || fail "log/checkpoint.text is not the checkpoint's 不符"
    origin=$(named 3) root64=$(named 4) size=$(named 5)
    printf '%s\n' "$origin" "$size" "$root64" | cmp -s - log/checkpoint.text ||
        fail "the log's checkpoint is not the one that the manifest names 日志检查点与清单所载不符"
    tree=$(printf '%s\n' "$root64" | decoded)
    [ ${#tree} -eq 64 ] || fail "the log's root cannot be read 无法读取日志的根"
    log_key
    printf '%s+%s+%s\n' "$origin" "$key_id" "$(octets "$key" | openssl base64 -A)" | cmp -s - log/log.vkey ||
        fail "log/log.vkey is not the log's key 与日志公钥不符"
    # the log's own signature comes first, those of witnesses after it
    openssl pkeyutl -verify -rawin -pubin -inkey log/log.pub.pem -sigfile log/checkpoint.sig \
        -in log/checkpoint.text >/dev/null 2>&1 && [ "$(sed -n 5p log/checkpoint)" = \
        "— $origin $({ octets "$key_id" && cat log/checkpoint.sig; } | openssl base64 -A)" ] &&
        ! sed 1,5d log/checkpoint | grep -aqvxE '— [^ +]+ ([A-Za-z0-9+/]{4})+([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?' &&
        [ -z "$(tail -c 1 log/checkpoint)" ] ||
        fail "signature of the log's checkpoint 日志检查点签名无效"
    openssl ts -reply -token_in -in log/checkpoint.tst -token_out 2>/dev/null | cmp -s - log/checkpoint.tst ||
        fail "log/checkpoint.tst has something behind it 多余内容"
    check_dated log/checkpoint.tst "the log's checkpoint 检查点" sed 5q log/checkpoint
    pass "the log's checkpoint and its timestamp, $when 日志检查点及其时间戳有效"
}

# table: of each entry a line with its file, time, kind, and these public fields ("-" for none); nothing where a name is
# in one object twice
table() {
    awk "$dates"'
        function fields(text, name, before) { # into found; those of a text in which names and values have their form
            split("", found); before = ""
            while (match(text, /[{,]"[a-z0-9_-]+":/)) {
                name = substr(text, RSTART + 2, RLENGTH - 4); text = substr(text, RSTART + RLENGTH)
                if (name <= before) exit 1
                before = name
                match(text, /^("([^"\\]|\\.)*"|[a-z0-9]+)/)
                found[name] = substr(text, 1, RLENGTH)
            }
        }
        function field(name) { # nothing that is looked for has blanks in it
            if (!(name in found)) return "-"
            if (found[name] !~ /^"[^" \\]+"$|^[^"]+$/) return "?"
            gsub(/"/, "", found[name])
            return found[name]
        }
        {
            match($0, /[}],"format":"[a-z0-9\/-]+","kind":"[a-z0-9-]+","public":[{]/)
            private = substr($0, 1, RSTART); kind = substr($0, RSTART, RLENGTH); public = substr($0, RSTART + RLENGTH - 1)
            sub(/.*"kind":"/, "", kind); sub(/".*/, "", kind)
            fields(substr(private, index(private, "\"commitments\":") + 14))
            fields(public)
            year = substr($0, 8, 4) + 0; month = substr($0, 13, 2) + 0; day = substr($0, 16, 2) + 0
            if (!exists(year, month, day)) exit 1
            at = epoch(year, month, day, substr($0, 19, 8))
            print FILENAME, sprintf("%.0f", at), kind, field("contract"), field("sequence"), field("previous"), \
                field("signed"), field("signer"), field("digest"), field("size"), field("statement")
        }' log/entries/*.json
}

check_form() { # of the log's entries, so that what is found in one stands in one place
    found=$(printf '%s\n' "$present" | grep '^log/entries/')
    ! printf '%s\n' "$found" | grep -qvxE "log/entries/${numbered}[.]json" &&
        is "$entry" log/entries/*.json &&
        log=$(table) || fail "a log entry has another form than entries have 日志条目格式不符"
    log=$(printf '%s\n' "$log" | sort -t / -k 3n)
}

# escapes HEX: its octets as escapes of printf
escapes() {
    hex=$1 list=''
    while [ -n "$hex" ]; do
        list="$list 0x${hex%"${hex#??}"}" hex=${hex#??}
    done
    # shellcheck disable=SC2086 # a word for each octet
    printf '\\%03o' $list
}

# hashed: the SHA-256 of what comes in, in hexadecimal
hashed() { sha256sum | cut -c1-64; }

# decoded: each line that comes in, which is base64, in hexadecimal
decoded() {
    awk '
        length($0) != 44 || !/^[A-Za-z0-9+\/]+[AEIMQUYcgkosw048]=$/ { print "none"; next }
        {
            told = ""; held = 0; bits = 0
            for (at = 1; at <= 43; at++) {
                held = held * 64 + index("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", substr($0, at, 1)) - 1
                bits += 6
                if (bits < 8) continue
                bits -= 8; unit = bits == 0 ? 1 : bits == 2 ? 4 : 16 # not every awk has powers
                octet = int(held / unit); held -= octet * unit
                told = told sprintf("%02x", octet)
            }
            print told
        }'
}

# root HASH INDEX PROOF: the root to which the proof leads (RFC 9162, 2.1.3.2; nodes: RFC 6962, 2.1)
root() {
    hash=$1 at=$2 last=$((size - 1))
    for sibling in $(sed '/^$/,$d' "$3" | sed '1,2d' | decoded); do
        [ "$last" -gt 0 ] && [ "$sibling" != none ] || return 1
        if [ $((at % 2)) -eq 1 ] || [ "$at" -eq "$last" ]; then
            hash=$(octets "01$sibling$hash" | hashed)
            while [ $((at % 2)) -eq 0 ] && [ "$at" -ne 0 ]; do
                at=$((at / 2)) last=$((last / 2))
            done
        else
            hash=$(octets "01$hash$sibling" | hashed)
        fi
        at=$((at / 2)) last=$((last / 2))
    done
    [ "$last" -eq 0 ] && printf '%s\n' "$hash"
}

check_entry() { # FILE: sets hash
    number=$(basename "$1" .json)
    hash=$({ printf '\000'; cat "$1"; } | hashed)
    proof=log/proofs/$number.tlog-proof number=$(expr "$number" + 0)
    [ "$(sed 2q "$proof")" = "c2sp.org/tlog-proof@v1
index $number" ] || fail "$proof is for another entry 证明属于另一条目"
    sed '1,/^$/d' "$proof" | cmp -s - log/checkpoint || fail "$proof is for another checkpoint 证明属于另一检查点"
    [ "$number" -lt "$size" ] && [ "$(root "$hash" "$number" "$proof")" = "$tree" ] ||
        fail "log entry $number is not in the log 日志条目不在日志中"
    checked "$1" "$proof"
}

# listed_only: names the files of which nothing is judged but that the manifest lists them
listed_only() {
    cat <<'END'
LIMIT these files are as the manifest lists them; beyond that they are the portal's record:
      以下文件仅与清单一致，除此之外只是平台的记录：
END
    printf '%s\n' "$present" | grep -v '^certificates/' | grep -vxF "$judged" |
        sed 's|^\(log/openings/\).*|\1|; s/^/      /' | uniq
}

# What packages of contracts have besides.

# signs_own SIGNATURE ANCHOR: the same by a certificate of another house, which leads to the one in the file ANCHOR
signs_own() {
    openssl cms -verify -binary -inform DER -in "$1" -content /dev/stdin -out /dev/null -signer /dev/stdout -purpose any \
        -attime "$at" -CAfile "$2" -partial_chain -no-CApath -no-CAstore 2>/dev/null
}

# check_signed NAME CERTIFICATE COMMAND: NAME.p7s signs what the command prints, NAME.tst dates the signature's value
check_signed() {
    name=$1 certificate=$2
    shift 2
    dated "$name.tst"
    case $certificate in
    own-*) signer=$("$@" | signs_own "$name.p7s" "certificates/$certificate-anchor.pem") ;;
    *) signer=$("$@" | signs "$name.p7s") ;;
    esac || fail "signature of $name 签名无效"
    by "$certificate"
    # the value of the only signature alone stands there as octets at this depth
    octets=$(openssl asn1parse -inform DER -in "$name.p7s" 2>/dev/null) &&
        [ "$(printf '%s\n' "$octets" | sed -n 's/^ *[0-9]*:d=5 .*: OCTET STRING *//p')" = \
            "[HEX DUMP]:$(od -An -v -tx1 "$name.sig" | tr -d ' \n' | tr a-f A-F)" ] ||
        fail "$name.sig is not of its signature 签名值不符"
    check_dated "$name.tst" "$name " cat "$name.sig"
    checked "$name.p7s" "$name.sig"
    case $certificate in own-*) ;; *) acted="$acted
$certificate $at" ;; esac
}

# check_index: it says of each signature and timestamp where in the contract it is, and of no other; its numbers get
# into $((…)), in which some shells run what is in brackets
check_index() {
    ! grep -aqvxE "$index" index.txt && [ -z "$(tail -c 1 index.txt)" ] ||
        fail "a line of index.txt has another form than lines have 索引中有格式不符的行"
    found=$(printf '%s\n' "$present" | sed -nE 's,^signatures/(.*)[.](p7s|tst)$,\2 \1,p' | awk '
        { has[$1, $2] = 1; each[$2] = 1 }
        END { for (number in each) print (("p7s", number) in has ? "signature" : "timestamp"), number }')
    [ "$(sed -nE 's/^own /signature /; s/^([a-z]+ [0-9]+) .*/\1/p' index.txt | sort)" = "$(printf '%s\n' "$found" | sort)" ] ||
        fail "index.txt does not go through all signatures 索引未列全签名"
    [ "$(sed -nE 's,^own ([0-9]+) .*,certificates/own-\1-anchor.pem certificates/own-\1.pem,p' index.txt | tr ' ' '\n' | sort)" = \
        "$(printf '%s\n' "$present" | grep '^certificates/own-' | sort)" ] ||
        fail "index.txt does not go through all signatures made elsewhere 索引未列全外部签名"
    [ -e signatures/01.p7s ] || fail "there is no signature 没有任何签名"
}

# ranges FILE: how many signatures and timestamps it states
ranges() { tr '\n/' ' \n' <"$1" | grep -ac '^ByteRange'; }

check_contract() { # each signature that it has since it was given is here once, at a place of its own
    size=$(($(wc -c <contract/contract.pdf)))
    head -c "$size" "$pdf" | cmp -s - contract/contract.pdf ||
        fail "the signed contract does not begin with the contract as given 已签合同并非以原始合同开头"
    before=$(ranges contract/contract.pdf) since=$(grep -cE '^(signature|timestamp|own) ' index.txt)
    places=$(awk -v size="$size" '/^[sto]/ && $3 >= size { print $3 }' index.txt | sort -u | wc -l)
    [ "$((places)) $((before + since))" = "$since $(ranges "$pdf")" ] ||
        fail "a signature in the contract is not in this package 合同中有签名未列入本包"
    [ "$before" -eq 0 ] || cat <<'END'
NOTE  signatures that the contract had when it was given are not checked; who made them declared nothing by that
      合同提交时已带有的签名或时间戳，此处未核验；仅凭这些签名，其签署人未作任何声明
END
    check_dated contract/contract.tsr "the signed contract 已签合同" cat "$pdf"
    pass "the signed contract begins with the contract as given, $when 以原始合同开头，时间戳有效"
}

# range HEAD TAIL LENGTH: the bytes of the signed contract that one signature covers
range() { head -c "$1" "$pdf"; tail -c "+$(($2 + 1))" "$pdf" | head -c "$3"; }

# check_place FILE HEAD TAIL LENGTH: the hexadecimal string in the PDF is FILE, followed by zeros only, and the signed
# bytes themselves say where it is. With the gap elsewhere the same bytes are another document.
check_place() {
    hex=$(od -An -v -tx1 "$1" | tr -d ' \n')
    room=$(tail -c "+$(($2 + 1))" "$pdf" | head -c "$(($3 - $2))" | tr 'A-F' 'a-f')
    [ "$(printf %s "${room#"<$hex"}" | tr -d 0) ${#room}" = "> $(($3 - $2))" ] || fail "$1 is not the one in the PDF 与 PDF 内不符"
    { head -c "$2" "$pdf"; echo '<>'; tail -c "+$(($3 + 1))" "$pdf" | head -c "$4"; } | tr '\t\n\f\r' '    ' |
        grep -aqE "/ByteRange *\\[ *0 +0*$2 +0*$3 +0*$4 *\\]" ||
        fail "what is signed does not say that $1 is there 所在位置与签署内容所载不符"
}

check_signature() { # NN HEAD TAIL LENGTH
    check_place "signatures/$1.p7s" "$2" "$3" "$4"
    check_signed "signatures/$1" "$1" range "$2" "$3" "$4"
    carried="$carried$(range "$2" "$3" "$4" | hashed) $person $contract
"
    ! hex <"signatures/$1.p7s" | grep -qF "$(hex <"signatures/$1.tst")" || placed="${placed}signatures/$1.tst $(($3 + $4))
"
    pass "signature $1, over $(($3 + $4)) of $(($(wc -c <"$pdf"))) bytes, by $who; $when 签名及其时间戳有效"
}

# check_own NN HEAD TAIL LENGTH: a signature that was made elsewhere, by a certificate of another house. Its anchor is
# the one that the authority of this house states to be approved (that statement is checked with the records), and the
# log names the very certificate for these bytes.
check_own() {
    check_place "signatures/$1.p7s" "$2" "$3" "$4"
    check_signed "signatures/$1" "own-$1" range "$2" "$3" "$4"
    anchor=certificates/own-$1-anchor.pem
    openssl x509 -in "$anchor" 2>/dev/null | cmp -s - "$anchor" ||
        fail "$anchor is more than a certificate 证书文件有其他内容"
    digest=$(openssl x509 -in "$anchor" -outform DER | hashed)
    # a statement has one form, in which names come before the others and texts have their quotes escaped
    of=$(sed -nE 's/^\{"act":"[0-9a-f]+","anchor":\{"certificate":"'"$digest"'","id":"[^"\]+","organisation":"(([^"\]|\\.)+)"\},.*/\1/p' \
        "authority/anchor-$1.json")
    [ -n "$of" ] || fail "authority/anchor-$1.json is about another authority 批准声明属于另一机构"
    covers=$(range "$2" "$3" "$4" | hashed) own=$(printf '%s\n' "$signer" | openssl x509 -outform DER | hashed)
    told=$(grep -lF "\"kind\":\"party-signed\"" log/entries/*.json | xargs grep -lF "\"signed\":\"$covers\"" |
        xargs grep -lF "\"certificate\":\"$own\"" | xargs sed -nE 's/.*"public":.*"signer":"([^" \\]+)".*/\1/p')
    [ "$(printf '%s\n' "$told" | grep -c .)" = 1 ] || fail "the log names another certificate for signature $1 日志所载证书不符"
    carried="$carried$covers $told $contract
"
    issued=$(printf '%s\n' "$signer" | openssl x509 -noout -issuer -nameopt sname,utf8,esc_ctrl,sep_comma_plus_space)
    # shellcheck disable=SC1111 # Chinese has such quotes
    pass "signature $1, over $(($3 + $4)) of $(($(wc -c <"$pdf"))) bytes, by $who; $when 签名及其时间戳有效
      made elsewhere: the certificate was issued by ${issued#issuer=}, not by this house. Officers have approved that for
      signers of $of alone (authority/anchor-$1.json): if the signer above is of another name, nobody here stands for it.
      Whether the certificate was revoked is not checked here
      外部签名：证书由上述机构颁发，非本单位；该机构仅就“${of}”的签署人获批准（authority/anchor-$1.json），
      如上列签署人不属于该名称，本单位不予认可；此处不核验证书是否被吊销"
}

check_document_timestamp() { # NN HEAD TAIL LENGTH
    check_place "signatures/$1.tst" "$2" "$3" "$4"
    check_dated "signatures/$1.tst" "the contract, $1, 文档" range "$2" "$3" "$4"
    placed="${placed}signatures/$1.tst $(($3 + $4)) $at $(head -c "$(($3 + $4))" "$pdf" | hashed)
"
    pass "document timestamp $1, $when 文档时间戳有效"
}

check_records() { # whatever is signed, or would be taken for signed: acceptances, declarations, statements about powers
    for name in $(printf '%s\n' "$present" | sed -nE 's,^((agreement|voiding)/.*|authority/(power|anchor|vouching)-[^/]*)[.]json$,\1,p
        s/[.]p7s$//p' | grep -vxE 'manifest|signatures/.*' | sort -u); do
        certificate=$(echo "$name" | tr / -)
        check_signed "$name" "$certificate" cat "$name.json"
        case $name in
        authority/*) service "$certificate" ;;
        *) [ -n "$person" ] && grep -qF "\"person\":\"$person\"" "$name.json" ;;
        esac || fail "$name.json is signed by somebody else than who may or is named in it 并非由所载人员签名"
        checked "$name.json"
        case $name in voiding/*) voiding="$voiding      $who; $when
" ;; esac
        pass "signature of $name.json, by $who; $when 签名有效"
    done
}

# covered_by TIMESTAMP TIME: by when one in the contract was there, by the document timestamp after it, in the file and
# in time; $placed has of each where in the contract ends what it or its signature covers and, of document timestamps,
# their times and the SHA-256 of the contract up to there
covered_by() {
    printf '%s' "$placed" | awk -v stamp="$1" -v own="$2" -v until="$made" '
        { end[$1] = $2 }
        NF == 4 { at[$1] = $3 }
        END {
            for (each in at) if (stamp in end && end[each] > end[stamp] && at[each] >= own && at[each] < until) until = at[each]
            print until
        }'
}

# proven_by RECORD TIME: by when the record was there, whose timestamp has that time: in the log, after the entry that names
# it (one of an acceptance or a declaration at their own time, of a statement within an hour of it), the first one counts by
# which the contract was completed or renewed as a file with a document timestamp that is not earlier than the record, and of
# which no entry had told by then. The later of both times counts; that the log was written promptly and in order, its writer
# says.
proven_by() {
    printf '%s' "$placed" "$log" | awk -v folder="${1%%/*}" -v record="$(hashed <"$1")" -v own="$2" -v contract="$contract" -v until="$made" '
        BEGIN {
            kinds["agreement"] = " agreement-accepted "
            kinds["voiding"] = " void-declared "
            kinds["authority"] = " power-verified guest-certified anchor-approved "
            field = folder == "authority" ? 11 : 7
            late = folder == "authority" ? 3600 : 0
        }
        /^signatures/ { if (NF == 4) dated[$4] = $3; next }
        !named {
            told[$9]
            prompt = $2 - own <= late && own - $2 <= late
            if (index(kinds[folder], " " $3 " ") && $field "" == record && prompt) named = $4 == "-" || $4 "" == contract
            next
        }
        $3 ~ /^(contract-completed|archive-renewed)$/ && $4 "" == contract && $9 in dated && !($9 in told) && own <= dated[$9] {
            proof = dated[$9] < $2 ? $2 : dated[$9]
            if (proof < until) until = proof
            exit
        }
        END { print until }'
}

# check_history: every entry is in the log; of this contract each names its place and the hash of the one before, so that
# none is missing up to the completion of this file; and the log tells of exactly the signatures that the file carries
check_history() {
    count=0 before=- told='' voided='' last=''
    while read -r file at kind own sequence previous covers signer sha256 length _ <&3; do
        check_entry "$file"
        [ "$kind" != party-signed ] || told="$told$covers $signer $own
"
        [ "$own" = "$contract" ] || continue
        count=$((count + 1))
        [ "$sequence $previous" = "$count $before" ] ||
            fail "the history has a gap before log entry $number 历史记录在此条目之前有缺失"
        before=$hash newest=$number
        case $kind in contract-completed) last="$length $sha256" ;; contract-voided) voided=$number ;; esac
    done 3<<END
$log
END
    [ "$count" -gt 0 ] || fail "no log entry is of this contract 没有本合同的日志条目"
    case ${last%% *} in '' | *[!0-9]*) last='0 -' ;; esac
    [ "$(head -c "${last% *}" "$pdf" | hashed)" = "${last#* }" ] && [ "${last% *}" -gt 0 ] ||
        fail "the history does not end with the signed file 历史记录未载明该签署文件已完成"
    pass "the history up to log entry $newest has no gap: $count entries, all in the log 截至该条目，历史记录完整无缺"
    [ "$(printf %s "$told" | sort)" = "$(printf %s "$carried" | sort)" ] ||
        fail "the log tells of other signatures than the contract carries 日志所载签名与合同内签名不符"
    pass "the log tells of exactly the signatures in the contract 日志所载签名与合同内签名一致"
}

check_contract_package() {
    contract=$(named 7) carried='' voiding=''
    checked "$pdf" contract/contract.tsq index.txt
    check_files
    ! printf '%s\n' "$present" | tr '[:upper:]' '[:lower:]' | grep -qxE "$of_captures" ||
        fail "a file has no place in the package of a contract 存在不属于合同证据包的文件"
    check_manifest
    check_index
    check_contract
    while read -r what nn head tail length <&3; do
        case $what in
        signature) check_signature "$nn" "$head" "$tail" "$length" ;;
        own) check_own "$nn" "$head" "$tail" "$length" ;;
        timestamp) check_document_timestamp "$nn" "$head" "$tail" "$length" ;;
        esac
    done 3<index.txt
    check_records
    check_checkpoint
    check_form
    check_certificates
    check_history
    conclude_contract
}

conclude_contract() {
    cat <<'END'
LIMIT whether what was added to the contract after a signature, up to its last byte, changed a page is not
      checked here. Have a program for signed PDFs verify contract/contract.signed.pdf as well.
      每个签名只覆盖上列字节；此后追加的内容是否改动了页面，不在此处核验，请另用可核验 PDF 签名的程序核验。
LIMIT what signed records and entries of the log mean is not judged: whether the parties had agreed to sign
      electronically, a power of attorney covers a signature, the contract is void. "vermilion verify" does that.
      已签名记录和日志条目的含义不在此处判断：各方是否已约定采用电子签名、授权委托书是否涵盖某次签署、合同
      是否已作废。请用 vermilion verify 核验。
LIMIT what the log has of this contract after that entry, that it is void for example, is not in this package:
      ask the keeper of the log. 此后的日志条目（例如合同已作废）不在本包内，请向日志的保管者查询。
END
    listed_only
    cat <<'END'
PASS  who signed which bytes, and when, is proven as listed above, by certificates not revoked then by those lists;
      none of this contract's log entries is missing, up to the newest one here, or was changed
      上列签名由何人、何时、对哪些字节作出，均已核验；依据上列吊销列表，所用证书签署时未被吊销；
      本合同的日志条目，截至包内最新一条，没有缺失或改动
END
    [ -z "$voiding$voided" ] || printf %s 'NOTE  this contract may be VOID: have that judged by "vermilion verify". Records in voiding/ were signed by:
      本合同可能已作废，请用 vermilion verify 核验。voiding/ 内的记录由以下人员签名：
'"$voiding"
}

# What packages of web captures have besides.

given='capture[.](wacz|warc[.]gz)|page[.](pdf|png|txt)|session[.]webp|step-(0[1-9]|1[0-9]|20)[.]png'
of_captures="$given|capture[.](warc[.]ts[qr]|json)|certificate[.](en|zh)[.]pdf|renewals/.*"
always=$(printf '%s\n' capture.json capture.wacz capture.warc.gz capture.warc.tsq capture.warc.tsr certificate.en.pdf \
    certificate.zh.pdf check.py check.sh page.pdf page.png page.txt README.en.txt README.zh.txt verify.html &&
    printf 'manifest.%s\n' json p7s tsq tsr &&
    printf 'log/%s\n' checkpoint checkpoint.sig checkpoint.text checkpoint.tst log.pub.pem log.vkey &&
    printf 'certificates/%s.pem\n' ca chain crls evidence timestamping)
sometimes="log/((entries|openings)/${numbered}[.]json|proofs/${numbered}[.]tlog-proof|witness-policy[.]txt)"
sometimes="$sometimes|certificates/timestamping-[1-9][.]pem|session[.]webp|step-(0[1-9]|1[0-9]|20)[.]png"

# Forms in capture.json, in whose texts nothing is escaped but quotes and backslashes.
said='"([^"\\]|\\["\\])*"' hex="\"$digest\"" count='(0|[1-9][0-9]{0,14})' offset='(0|-?[1-9][0-9]{0,14})'
moment="\"${day}T$hour([.]([1-9][0-9]{2}|0[1-9][0-9]|00[1-9])000)?[+]00:00\""
base64='"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"'

# list FORM: a list of what has that form; object NAME FORM...: an object of these
list() { printf '\\[(%s(,%s)*)?\\]' "$1" "$1"; }
object() {
    comma='\{'
    while [ $# -gt 0 ]; do
        printf '%s"%s":%s' "$comma" "$1" "$2"
        comma=,
        shift 2
    done
    printf '\\}'
}

facts_form() {
    saids=$(list "$said")
    lost=$(list "$(object address "$said" why "$said")")
    leaf=$(object issuer "$said" not_after "$moment" not_before "$moment" serial "$said" subject "$said")
    object address '"([^"\\]|\\["\\])+"' began "$moment" \
        browser "$(object command "$saids" package "$said" product "$said" sha256 "$hex")" \
        by "$(object name "$said" organisation "$said" purpose "$said")" capture '"[0-9a-f]{24}"' \
        clock "(null|$(object agreeing "(null|$count)" authentication '(null|"(nts|key|both|none)")' \
            configured "(null|$count)" error "(null|$count)" offset "(null|$offset)" source "$said" \
            state '"(in-step|soon-out|out-of-step|stepped|unknown)"'))" \
        ended "$moment" files "$(list "$file")" format '"vermilion-capture/1"' \
        hosts "$(list "$(object address "$said" answers "$saids" at "$moment" connected "$saids" host "$said" resolver "$said")")" \
        limits "$(object bytes "$count" connections "$count" height "$count" milliseconds "$count" requests "$count" \
            response "$count" session_milliseconds "$count")(,\"log_in\":$(object began "$moment" ended "$moment" \
            exchanges "$count" hosts "$saids" hosts_in_all "$count"))?" \
        network "$(object allowed "$saids" only "$saids" proxy "$said")" operator "$said" \
        page "$(object address "$said" cut "$saids" error "$said" height "$count" loaded '(true|false)' title "$said")" \
        recorded "$(list "$moment")" software "$said" \
        steps "$(list "$(object address "$said" at "$moment" kind '"(scroll|click|wait|record)"' milliseconds "$count" \
            note "$said" picture "$said" result "$said" target "$said")")" \
        system "$(object kernel "$said" machine "$said" name "$said" version "$said")" \
        tls "$(list "$(object certificates "$(list "$hex")" chain "$(list "$base64")" cipher "$said" host "$said" \
            leaf "(null|$leaf)" trust '"(trusted|untrusted|house|none)"' version "$said" why "$said")")" \
        traffic "$(object cut "$lost" cut_in_all "$count" hosts "$count" received "$count" refused "$lost" \
            refused_in_all "$count" requests "$count")" zone "$said"
}

# plainly FILE: no letter in it turns a line around or ends one (UAX #9), in UTF-8
plainly() {
    ! grep -aqE "$(printf '\177|\302[\200-\237]|\342\200[\250-\256]|\342\201[\246-\251]')" "$1"
}

# measured: of capture.json a line for each server, with the digests of its certificates and these; nothing where a text
# or a list is longer than any is, or a day is none
measured() {
    sed 's/\\["\\]/x/g' capture.json | tr -d '\200-\277' | awk "$dates"'
        BEGIN { RS = "\""; name = "" }
        NR % 2 == 0 {
            text = $0
            if (name == "certificates") digests = digests "," text
            if (name == "chain") { chain = chain "," text; octets += length(text); held++ }
            else if (length(text) > 2000) exit failed = 1
            next
        }
        /^:/ {
            if (name == "chain") { # the text before is the next name
                sub(/,[^,]*$/, "", chain); octets -= length(text); held--
                print "-" digests, "-" chain
            }
            if (name == "certificates") sub(/,[^,]*$/, "", digests)
            name = text
            if (name == "certificates") digests = chain = ""
        }
        !/^:/ && name ~ /^(at|began|ended|not_after|not_before|recorded)$/ && text ~ /^[0-9]/ {
            if (!exists(substr(text, 1, 4) + 0, substr(text, 6, 2) + 0, substr(text, 9, 2) + 0)) exit failed = 1
        }
        {
            for (at = 1; at <= length($0); at++) {
                letter = substr($0, at, 1)
                if (letter == "[" || letter == "{") {
                    items[++depth] = 0
                    most[depth] = letter == "{" ? 1000 : name == "recorded" ? 2000 : 200
                }
                if (letter == "," && ++items[depth] >= most[depth]) exit failed = 1
                if (letter == "]" || letter == "}") depth--
            }
        }
        END { exit failed || octets > 524288 || held > 2000 }'
}

check_layout() { # exactly the files of a capture: one entry with its opening and proof, pictures of steps from 1 on
    [ -z "$(printf '%s\n' "$present" | grep -vxF "$always" | grep -vxE "$sometimes|renewals/.*")" ] ||
        fail "a file has no place in the package of a web capture 存在不属于网页取证证据包的文件"
    [ -z "$(printf '%s\n' "$always" | grep -vxF "$present")" ] || fail "a file is missing 缺少文件"
    found=$(printf '%s\n' "$present" | sed -nE 's,^log/(entries|openings|proofs)/([0-9]+)[.].*,\1 \2,p') number=${found#* }
    number=${number%%[!0-9]*}
    [ "$found" = "entries $number
openings $number
proofs $number" ] || fail "there is not exactly one log entry with its opening and proof 日志条目及其公开内容、证明不齐"
    [ "$(printf '%s\n' "$present" | grep '^step-')" = "$(printf '%s\n' "$present" |
        awk '/^step-/ { printf "step-%02d.png\n", ++n }')" ] || fail "a picture of a step is missing 缺少步骤截图"
}

check_renewals() { # each is over the manifest, its seals and all before it, made while the one before counted
    numbers=$(printf '%s\n' "$present" | sed -n 's,^renewals/\(..\).*,\1,p' | sort -u)
    [ "$(printf '%s\n' "$present" | grep '^renewals/')" = "$(printf '%s\n' "$numbers" |
        awk 'NF { for (n = split("crls.pem pem tsq tsr txt", end, " "); ++at <= n;) printf "renewals/%02d.%s\n", NR, end[at]; at = 0 }')" ] ||
        fail "the renewed timestamps are not whole, or not in order 续期时间戳不完整或次序不符"
    covered='manifest.json manifest.p7s manifest.tsq manifest.tsr' last=manifest.tsr over=manifest.json
    gather
    signed=$(stamper manifest.tsr)
    [ -n "$signed" ] || fail "the certificate of a timestamp is not here 缺少时间戳证书"
    signed=$(cat "certificates/$signed.pem")
    for number in $numbers; do
        stem=renewals/$number
        covered="$covered $stem.crls.pem $stem.pem"
        # shellcheck disable=SC2086 # names that are plain
        sha256sum $covered | cmp -s - "$stem.txt" || fail "$stem.txt is not of the files of this package 与文件不符"
        covered="$covered $stem.tsq $stem.tsr $stem.txt"
        check_dated "$stem.tsr" "the package 证据包" cat "$stem.txt"
        signer=$(openssl ts -reply -in "$stem.tsr" -token_out 2>/dev/null | openssl cms -verify -noverify -inform DER \
            -nointern -certfile "$stem.pem" -signer /dev/stdout -out /dev/null 2>/dev/null) || fail "timestamp $stem.tsr 时间戳无效"
        openssl ts -reply -in "$stem.tsr" -token_out 2>/dev/null | fitting 3 &&
            openssl ts -reply -in "$stem.tsr" -token_out 2>/dev/null | names_signer "$signer" &&
            openssl ts -reply -in "$stem.tsr" -token_out 2>/dev/null | own_alone "$stem.pem" ||
            fail "timestamp $stem.tsr 时间戳无效"
        [ "$before" -le "$at" ] && dates "$last" -data "$over" || fail "$last had run out when it was renewed 续期时原时间戳已失效"
        [ -s "$stem.crls.pem" ] && are_whole "$stem.crls.pem" && counted "$signed" "$stem.crls.pem" ||
            fail "$stem.crls.pem has no revocation list that counted then 缺少当时有效的吊销列表"
        [ "$last" = manifest.tsr ] && renewed=$at
        [ "$last" = manifest.tsr ] || standing "$signed" "$at" "$last"
        before=$at last=$stem.tsr over=$stem.txt signed=$signer
        # shellcheck disable=SC2046 # names that are plain
        checked $(printf "$stem.%s\n" crls.pem pem tsq tsr txt)
        pass "the timestamp was renewed, $when 时间戳已续期"
    done
    [ "$last" = manifest.tsr ] || standing "$signed" "$before" "$last"
}

# counted CERTIFICATE FILE: the lists counted at $at, for it and all that leads from it to the root
counted() { (seen='' && path_counted "$1" "$2"); }

# path_counted CERTIFICATE FILE: as of the certificate and all above it; since when one was revoked, path_stands asks
path_counted() {
    # shellcheck disable=SC2046,SC2086 # options and their values
    told=$(printf '%s\n' "$1" | openssl verify -CAfile "$ca" -no-CApath -no-CAstore $(options -untrusted $chains) \
        -crl_check -CRLfile "$2" -attime "$at" 2>&1) || only_revoked "$told" || return 1
    case $seen in *" $1 "*) return 0 ;; esac
    seen="$seen $1 "
    for each in $(issuers_of "$1"); do (path_counted "$(issuer "$each")" "$2") || return 1; done
}

check_lists() { # those of the package counted when the manifest was dated
    at=$made
    for pem in certificates/evidence.pem certificates/timestamping*.pem; do
        counted "$(cat "$pem")" certificates/crls.pem ||
            fail "certificates/crls.pem has no revocation list that counted then 缺少当时有效的吊销列表"
    done
}

check_last() { # the last timestamp counts today
    # shellcheck disable=SC2046,SC2086 # options and their values
    ! printf '%s\n' "$signed" | openssl verify -CAfile "$ca" -no-CApath -no-CAstore $(options -untrusted $chains) \
        -attime "$(date +%s)" 2>&1 | grep -q '^error 10 ' ||
        fail "the last timestamp of this package counts no longer, as its certificate has run out: nothing is proven by it now.
      Whoever made the package may have a copy with a later one: get it from there again
      最后一个时间戳的证书已过期，现已不能证明任何内容；制作方可能有续期后的副本，请重新获取"
}

# standing CERTIFICATE UNTIL TIMESTAMP: the one that made the timestamp is trusted, and was not revoked until then
standing() {
    (seen='' && path_stands "$1" "$2") || fail "the certificate of $3 was revoked, or is not trusted 证书已吊销或不可信"
}

check_facts() { # the entry names facts and recording, the facts every file that the capture gave
    grep -qF '"kind":"page-captured","public":{' "$entry_file" && grep -qF "\"capture\":\"$capture\"" "$entry_file" ||
        fail "log entry $number is not that of this capture 日志条目并非本次取证"
    grep -qF "\"facts\":\"$(hashed <capture.json)\"" "$entry_file" ||
        fail "capture.json is not the one that the log has 与日志所载不符"
    grep -qF "\"warc\":\"$(hashed <capture.warc.gz)\"" "$entry_file" ||
        fail "capture.warc.gz is not the one that the log has 与日志所载不符"
    [ "$(wc -c <capture.json)" -le 4194304 ] && is "$(facts_form)" capture.json && plainly capture.json &&
        servers=$(measured) || fail "capture.json is not in its one form 取证事实记录格式不符"
    printf '%s\n' "$servers" | while read -r told chain; do
        [ "${chain:--}" = - ] || [ "$told" = "-$(printf '%s\n' "$chain" | tr ',' '\n' | sed 1d | while read -r each; do
            printf ',%s' "$(printf %s "$each" | openssl base64 -d -A | hashed)"
        done)" ] || exit 1
    done || fail "capture.json is not in its one form 取证事实记录格式不符"
    began=$(sed 's/^.*,"began":"\([^"]*\)","browser":.*/\1/' capture.json)
    ended=$(sed 's/^.*,"ended":"\([^"]*\)","files":.*/\1/' capture.json)
    own=$(sed -n 's/^.*,"log_in":{"began":"\([^"]*\)","ended":"\([^"]*\)","exchanges":.*/\1 \2/p' capture.json)
    hosts=$(sed -n 's/^.*,"log_in":{"began":"[^"]*","ended":"[^"]*","exchanges":[0-9]*,"hosts":\(.*\),"hosts_in_all":\([0-9]*\)},"network":.*/\2 \1/p' \
        capture.json | sed 's/\\["\\]//g')
    [ $(($(printf %s "${hosts#* }" | tr -cd '"' | wc -c) / 2)) -le "${hosts%% *}" ] 2>/dev/null || [ -z "$hosts" ] ||
        fail "capture.json is not in its one form 取证事实记录格式不符"
    # shellcheck disable=SC2086 # one moment after the other; of those alike but for a fraction the one without is earlier
    printf '%s\n' $own "$began" "$ended" | sed 's/[+].*//' | sort -c 2>/dev/null ||
        fail "capture.json is not in its one form 取证事实记录格式不符"
    grep -qF ",\"capture\":\"$capture\",\"clock\":" capture.json ||
        fail "capture.json is about another capture 取证事实记录属于另一次取证"
    found=$(tr '{' '\n' <manifest.json | sed -n 's/^\("path":"[^"]*","sha256":"[^"]*","size":[0-9]*}\).*/{\1/p' |
        grep -E "^\\{\"path\":\"($given)\"" | tr '\n' ',')
    grep -qF ",\"files\":[${found%,}],\"format\":" capture.json ||
        fail "the files of the capture are not those of capture.json 与取证事实记录不符"
    # shellcheck disable=SC2046 # names that are plain
    checked capture.json $(printf '%s\n' "$present" | grep -xE "$given")
    address=$(sed -E "s/^\\{\"address\":($said),\"began\":.*/\\1/" capture.json)
    pass "capture of $address: its files are those that the log names 取证文件均为日志所载"
}

# opened NAME NEXT: the private field of the entry in what opens it, as it is committed to
opened() { sed 's/^.*"'"$1"'":{\("salt":.*\)}'"$2"'$/{"name":"'"$1"'",\1}/' "$opening_file"; }

# told BEFORE AFTER: the text of capture.json that stands between these
told() { sed -n -E "s/^.*$1($said)$2.*/\\1/p" capture.json; }

check_opening() { # what opens the entry is all that it commits to, and has address, name and title of the facts
    opening_file=log/openings/$(basename "$entry_file") one="\\{\"salt\":$text,\"value\":$text\\}"
    is "\\{\"address\":$one,\"name\":$one,\"title\":$one\\}" "$opening_file" || fail "$opening_file is not in its one form 格式不符"
    inside=$(opened address ',"name":{"salt":.*}') name=$(opened name ',"title":{"salt":.*}') title=$(opened title '}')
    grep -qF "\"commitments\":{\"address\":\"$(printf %s "$inside" | hashed)\",\"name\":\"$(printf %s "$name" | hashed)\",\"title\":\"$(
        printf %s "$title" | hashed
    )\"}," "$entry_file" || fail "$opening_file is not what the log entry commits to 与日志条目的承诺不符"
    [ "${inside#*\"value\":}" = "$address}" ] && [ "${name#*\"value\":}" = "$(told ',"by":\{"name":' ',"organisation":')}" ] &&
        [ "${title#*\"value\":}" = "$(told '"loaded":[a-z]*,"title":' '\},"recorded":')}" ] ||
        fail "the log has another address, name or title than capture.json 日志所载与取证事实记录不符"
    checked "$opening_file"
}

check_recording() { # the timestamp that the log names is over it, after the end of the capture and before that entry
    check_dated capture.warc.tsr "the recording 网页记录" cat capture.warc.gz
    openssl ts -reply -in capture.warc.tsr -token_out 2>/dev/null | own_alone ||
        fail "capture.warc.tsr carries a certificate that is not here 时间戳另带其他证书"
    checked capture.warc.tsq
    serial=$(openssl ts -reply -in capture.warc.tsr -text 2>/dev/null | sed -n 's/^Serial number: 0x0*//p' | tr A-F a-f)
    [ -n "$serial" ] && grep -qF "\"serial\":\"$serial\"" "$entry_file" ||
        fail "the log has another timestamp of the recording 日志所载时间戳不是该网页记录的时间戳"
    { read -r began && read -r ended; } <<END
$(printf '%s\n' "$began" "$ended" | awk "$dates"'
    { printf "%.0f\n", epoch(substr($0, 1, 4) + 0, substr($0, 6, 2) + 0, substr($0, 9, 2) + 0, substr($0, 12, 8)) }')
END
    [ "$ended" -le "$at" ] && [ "$at" -le "$logged" ] && [ "$logged" -le "$made" ] ||
        fail "the times of the capture contradict each other 各时间先后矛盾"
    [ $((at - ended)) -le 3600 ] && [ $((ended - began)) -le 3600 ] ||
        fail "the recording was timestamped more than an hour after the capture 时间戳晚于取证结束逾一小时"
    pass "the recording (capture.warc.gz) and its timestamp, $when 网页记录及其时间戳有效"
}

check_capture_package() {
    capture=$(named 2) beside='^renewals/'
    check_files
    check_layout
    for number in $(printf '%s\n' "$present" | sed -n 's,^renewals/\([0-9][0-9]\)[.]tsr$,\1,p'); do
        chains="$chains renewals/$number.pem" lists="$lists renewals/$number.crls.pem"
    done
    check_manifest
    before=$made at=$made
    check_renewals
    check_checkpoint
    check_form
    read -r entry_file logged _ <<END
$log
END
    check_entry "$entry_file"
    check_facts
    check_opening
    check_recording
    check_certificates
    check_lists
    check_last
    conclude_capture
}

conclude_capture() {
    cat <<'END'
LIMIT whether capture.wacz has exactly this recording in it, and its index leads to the right places there, is not
      checked here; check.py and verify.html do that. capture.wacz 内是否正是该网页记录、其索引是否指向相应内容，
      不在此处核验；请用 check.py 或 verify.html 核验。
LIMIT that a server sent these bytes, to a browser that nobody had prepared, is the word of whoever ran the
      machine: TLS shows that to the machine alone, and to nobody afterwards. Others may have seen another page.
      这些字节由网站服务器发出、且浏览器事先未被改动，仅凭取证设备运行方的说明：TLS 只能使当时的设备确认
      来源，事后无法向他人证明。其他访问者看到的网页可能不同。
LIMIT who ran the machine, who ordered the capture and why, and what else capture.json tells (servers, browser,
      clock) is not proven: it is what the machine wrote down then.
      设备由谁运行、何人因何取证，以及 capture.json 所载的其他内容（服务器、浏览器、时钟）均未经证明，
      仅为设备当时的记录。
LIMIT whether picture, PDF and text show what the recording holds is not checked; they are those of then, no more.
      截图、PDF 和文本是否与网页记录的内容相符，不在此处核验；只能证明它们是当时的文件。
END
    listed_only
    cat <<'END'
PASS  capture.warc.gz was there, byte for byte, at the time of its timestamp; it and the pictures, the text and the
      facts of the capture are those that the log names, and nothing was changed since
      在时间戳所载时刻，capture.warc.gz 已逐字节存在；该网页记录以及截图、文本和取证事实记录均为日志所载，
      此后没有改动
END
}

if is "$contract_form" manifest.json; then
    check_contract_package
elif is "$capture_form" manifest.json; then
    check_capture_package
else
    fail "manifest.json is not in its one form 清单格式不符"
fi
[ "$ca" != certificates/ca.pem ] || cat <<'END'
NOTE  all this holds only if that root is the issuer's (compare its fingerprint): anybody can make such a package
      with a root of their own 根证书确属签发方时（请核对指纹），以上结论才成立：任何人都能自制根证书和这样的包
END
