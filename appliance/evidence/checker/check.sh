#!/bin/sh
# Checks this evidence package with sh, sha256sum and openssl (3.0 or newer) alone; changes nothing.
# 仅用 sh、sha256sum 和 openssl（3.0 或更高版本）核验本证据包；不改动任何文件。
#
#   sh check.sh [CA.pem]
#
# CA.pem is the root certificate that you trust, obtained from the issuer by another way than this package.
# Without it the package's own certificates/ca.pem is used: that shows only that the package agrees with itself.
# CA.pem 是您通过本包以外的途径取得并信任的根证书；不给出时使用包内 certificates/ca.pem，只能证明本包自身一致。
set -u
export LC_ALL=C

ca=${1:-}
case $ca in
'' | /*) ;;
*) ca=$PWD/$ca ;;
esac
cd "$(dirname "$0")" || exit 2
if [ -z "$ca" ]; then
    ca=certificates/ca.pem
    echo "NOTE  trusting certificates/ca.pem of this package; compare its fingerprint 使用包内根证书，请另行核对指纹："
    echo "      $(openssl x509 -in "$ca" -noout -fingerprint -sha256)"
fi
signed=contract/contract.signed.pdf
chain=certificates/chain.pem

fail() {
    echo "FAIL  $1" >&2
    exit 1
}

pass() {
    echo "ok    $1"
}

created() {
    sed -n 's/^created //p' index.txt
}

# cms SIGNATURE CONTENT TIME: a detached CMS signature over a file (or /dev/stdin), its certificate valid at TIME,
# which is printed
cms() {
    openssl cms -verify -binary -inform DER -in "$1" -content "$2" -out /dev/null -signer /dev/stdout -attime "$3" \
        -CAfile "$ca" -no-CApath -no-CAstore -certfile "$chain" 2>/dev/null
}

# subject CERTIFICATE: whom it names, a person or a seal
subject() {
    echo "$1" | openssl x509 -noout -subject -nameopt oid,sep_multiline | sed -n 's/^ *2[.]5[.]4[.]5=//p'
}

# token TOKEN CONTENT TIME: an RFC 3161 token over a file (or /dev/stdin)
token() {
    openssl ts -verify -token_in -in "$1" -data "$2" -attime "$3" -CAfile "$ca" -untrusted "$chain" >/dev/null 2>&1
}

# value NAME: NAME.sig is the value of the only signature in NAME.p7s, which alone stands there as octets at this depth
value() {
    octets_of=$(openssl asn1parse -inform DER -in "$1.p7s" 2>/dev/null) &&
        [ "$(printf '%s\n' "$octets_of" | sed -n 's/^ *[0-9]*:d=5 .*: OCTET STRING *//p')" = \
            "[HEX DUMP]:$(od -An -v -tx1 "$1.sig" | tr -d ' \n' | tr a-f A-F)" ]
}

# way NAME: how the signature in NAME.p7s was confirmed, as the log names it; nothing where its signed attributes do not
# say. They are the only [0] at this depth: text in parts that nobody signed may look like lines of openssl's.
way() {
    openssl asn1parse -inform DER -in "$1.p7s" 2>/dev/null | awk '
        /^ *[0-9]+:d=5 / { within = / cons: cont \[ 0 \]/; held += within }
        within && /^ *[0-9]+:d=7 .*: OBJECT *:1[.]3[.]6[.]1[.]4[.]1[.]32473[.]1[.]4$/ {
            getline; getline; sub(/.*:/, ""); gsub(/-/, "_"); print "activated_" $0
        }
        END { if (held != 1) print "another" }'
}

# answers QUERY REPLY TIME: an RFC 3161 reply to exactly this query
answers() {
    openssl ts -verify -queryfile "$1" -in "$2" -attime "$3" -CAfile "$ca" -untrusted "$chain" >/dev/null 2>&1
}

# range HEAD TAIL LENGTH: the bytes of the signed contract that one signature covers
range() {
    head -c "$1" "$signed"
    tail -c "+$(($2 + 1))" "$signed" | head -c "$3"
}

# embedded FILE HEAD TAIL: the hexadecimal string in the PDF is FILE, followed by zeros only
embedded() {
    hex=$(od -An -v -tx1 "$1" | tr -d ' \n')
    room=$(tail -c "+$(($2 + 1))" "$signed" | head -c "$(($3 - $2))" | tr 'A-F' 'a-f')
    [ "$(printf %s "${room#"<$hex"}" | tr -d 0)" = '>' ]
}

# stated HEAD TAIL LENGTH: the signed bytes themselves say where the gap is. With the gap elsewhere the same bytes are
# another document.
stated() {
    { head -c "$1" "$signed"; echo '<>'; tail -c "+$(($2 + 1))" "$signed" | head -c "$3"; } | tr '\t\n\f\r' '    ' |
        grep -aqE "/ByteRange *\\[ *0 +0*$1 +0*$2 +0*$3 *\\]"
}

# hashed: the SHA-256 of what comes in, as escapes of printf: \ooo for each octet
hashed() {
    # shellcheck disable=SC2046 # a word for each octet
    openssl dgst -sha256 -binary | (set -- $(od -An -v -to1) && IFS=\\ && printf '\\%s\n' "$*")
}

# octets: the octets of each line that comes in, which is base64, as escapes of printf
octets() {
    awk '
        length($0) % 4 || !/^[A-Za-z0-9+\/]*=?=?$/ { print "none"; next }
        {
            told = ""; held = 0; bits = 0; sub(/=+$/, "")
            for (at = 1; at <= length($0); at++) {
                held = held * 64 + index("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", substr($0, at, 1)) - 1
                bits += 6
                if (bits < 8) continue
                bits -= 8; octet = int(held / 2 ^ bits); held -= octet * 2 ^ bits
                told = told sprintf("\\%03o", octet)
            }
            print told
        }'
}

# included ENTRY PROOF: the root to which the entry's inclusion proof leads (RFC 9162, 2.1.3.2; nodes: RFC 6962, 2.1)
included() {
    # shellcheck disable=SC2059 # escapes, which octets and hashed have made
    at=$(sed -n 's/^index //p' "$2" | head -n 1)
    size=$(sed -n 2p log/checkpoint.text)
    case $size in '' | *[!0-9]*) return 1 ;; esac # in $((…)) some shells run what is in brackets
    last=$((size - 1))
    hash=$({ printf '\000'; cat "$1"; } | hashed)
    for sibling in $(sed '/^$/,$d' "$2" | sed '1,/^index /d' | octets); do
        [ "$last" -gt 0 ] || return 1
        if [ $((at % 2)) -eq 1 ] || [ "$at" -eq "$last" ]; then
            hash=$(printf "\\001$sibling$hash" | hashed)
            while [ $((at % 2)) -eq 0 ] && [ "$at" -ne 0 ]; do
                at=$((at / 2)) last=$((last / 2))
            done
        else
            hash=$(printf "\\001$hash$sibling" | hashed)
        fi
        at=$((at / 2)) last=$((last / 2))
    done
    [ "$last" -eq 0 ] && printf '%s\n' "$hash"
}

check_files() {
    [ -z "$(find . -type l)" ] || fail "there are links among the files 文件中有链接"
    listed=$(tr '{' '\n' <manifest.json |
        sed -n 's/^"path":"\([^"]*\)","sha256":"\([0-9a-f]\{64\}\)","size":[0-9]*}.*$/\2  \1/p')
    printf '%s\n' "$listed" | sha256sum -c >/dev/null 2>&1 ||
        fail "a file is not the one in the manifest 有文件与清单不符"
    expected=$({ printf '%s\n' "$listed" | cut -c67-; printf 'manifest.%s\n' json p7s tsq tsr; } | sort)
    [ "$(find . ! -type d | sed 's|^\./||' | sort)" = "$expected" ] ||
        fail "there are files that the manifest does not list 存在清单未列出的文件"
    number='(0[1-9]|[1-9][0-9]{1,2})[.]' record='(json|p7s|sig|tst)' entry='[0-9]{8,18}[.]'
    names="agreement/($number$record|electronic-signing-[A-Za-z0-9_.-]+[.]md)|signatures/$number(p7s|sig|tst)"
    names="$names|authority/(${number}json|power-[0-9a-z-]+[.](json|p7s|sig|tst|pdf))|voiding/$number$record"
    names="$names|manifest[.](json|p7s|tsq|tsr)|check[.](sh|py)|index[.]txt|README[.](en|zh)[.]txt|certificates/[a-z0-9-]+[.]pem"
    names="$names|contract/contract[.](pdf|signed[.]pdf|tsq|tsr)|history/history[.](json|(en|zh)[.]pdf)|review/(check|sign-off)[.]json"
    names="$names|log/((entries|openings)/${entry}json|proofs/${entry}tlog-proof|checkpoint([.](text|sig|tst))?|log[.](vkey|pub[.]pem))"
    odd=$(printf '%s\n' "$expected" | grep -vxE "$names|verification/report[.]json")
    [ -z "$odd" ] || fail "no rule says what files of these names count for 文件名不合规则: $odd"
    for path in agreement/*.json authority/*.json history/*.json log/openings/*.json review/sign-off.json voiding/*.json; do
        [ ! -e "$path" ] || fields "$path" >/dev/null ||
            fail "$path cannot be read, or has a name twice in one object 文件无法读取，或其中有重复的名称"
    done
    pass "every file is the one in the manifest, and no other is here 全部文件与清单一致，且无多余文件"
}

# service CERTIFICATE: it is the evidence service's. Those of people and seals have a serialNumber (2.5.4.5) in
# their names, those of other services another extended key usage, those of authorities none.
service() {
    openssl x509 -in "$1" -noout -subject -nameopt oid,sep_multiline |
        awk '/^ *2[.]5[.]4[.]3=/ { named = 1 } /^ *2[.]5[.]4[.]5=/ { person = 1 } END { exit !named || person }' &&
        openssl x509 -in "$1" -noout -ext extendedKeyUsage | grep -q 'E-mail Protection'
}

check_manifest() {
    cms manifest.p7s manifest.json "$(created)" >/dev/null || fail "signature of the manifest 清单签名无效"
    openssl x509 -in certificates/evidence.pem |
        openssl cms -verify -binary -inform DER -in manifest.p7s -content manifest.json -out /dev/null \
            -nointern -certfile /dev/stdin -attime "$(created)" -CAfile "$ca" -no-CApath -no-CAstore 2>/dev/null ||
        fail "signature of the manifest by another than the evidence service 清单并非由证据服务签名"
    service certificates/evidence.pem ||
        fail "signature of the manifest: the signer is not the evidence service 清单签名者不是证据服务"
    pass "signature of the manifest by the evidence service 证据服务的清单签名有效"
    answers manifest.tsq manifest.tsr "$(created)" &&
        openssl ts -verify -data manifest.json -in manifest.tsr -attime "$(created)" \
            -CAfile "$ca" -untrusted "$chain" >/dev/null 2>&1 || fail "timestamp of the manifest 清单时间戳无效"
    pass "timestamp of the manifest 清单时间戳有效"
}

# ranges FILE: how many signatures and timestamps it states
ranges() {
    tr '\n/' ' \n' <"$1" | grep -ac '^ByteRange'
}

check_contract() { # each signature that it has since it was given is here once, at a place of its own
    size=$(($(wc -c <contract/contract.pdf)))
    head -c "$size" "$signed" | cmp -s - contract/contract.pdf ||
        fail "the signed contract does not begin with the contract as given 已签合同并非以原始合同开头"
    before=$(ranges contract/contract.pdf) since=$(grep -cE '^(signature|timestamp) ' index.txt)
    places=$(awk -v size="$size" '/^(signature|timestamp) / && $3 >= size { print $3 }' index.txt | sort -u | wc -l)
    [ "$((places)) $((before + since))" = "$since $(ranges "$signed")" ] ||
        fail "a signature in the contract is not in this package 合同中有签名未列入本包"
    [ "$before" -eq 0 ] || {
        echo "NOTE  the contract was given with signatures or timestamps in it, which are not checked here; those"
        echo "      who made them have declared nothing by that"
        echo "      合同提交时已带有签名或时间戳，此处未核验；仅凭这些签名，其签署人未作任何声明"
    }
    pass "the signed contract begins with the contract as given 已签合同以原始合同的全部字节开头"
    answers contract/contract.tsq contract/contract.tsr "$(created)" &&
        openssl ts -verify -data "$signed" -in contract/contract.tsr -attime "$(created)" \
            -CAfile "$ca" -untrusted "$chain" >/dev/null 2>&1 || fail "timestamp of the signed contract 已签合同时间戳无效"
    pass "timestamp of the signed contract 已签合同时间戳有效"
}

# proven FILE TIME: the timestamp in it proves the time that index.txt has
proven() {
    [ "$(stamped "$1")" = "$(date_of "$2")" ] || fail "index.txt has another time than $1 索引时间与时间戳不符"
}

check_signature() { # NN HEAD TAIL LENGTH TIME
    embedded "signatures/$1.p7s" "$2" "$3" || fail "signature $1 is not the one in the PDF 签名与 PDF 内不符"
    stated "$2" "$3" "$4" ||
        fail "what is signed does not say that signature $1 is there 签名位置与签署内容所载不符"
    signer=$(range "$2" "$3" "$4" | cms "signatures/$1.p7s" /dev/stdin "$5") || fail "signature $1 签名无效"
    [ "$signer" = "$(cat "certificates/$1.pem")" ] || fail "certificates/$1.pem is not of its signature 证书并非签名所用证书"
    covered=$(range "$2" "$3" "$4" | openssl dgst -sha256 -r | cut -c1-64)
    carried="$carried$covered $(subject "$signer") $(stamped "signatures/$1.tst") $(way "signatures/$1")
"
    numbered="$numbered$1 $covered
"
    value "signatures/$1" || fail "signatures/$1.sig is not of its signature 签名值不符"
    token "signatures/$1.tst" "signatures/$1.sig" "$5" || fail "timestamp of signature $1 签名时间戳无效"
    proven "signatures/$1.tst" "$5"
    pass "signature $1 and its timestamp, over $(($3 + $4)) of $(($(wc -c <"$signed"))) bytes 签名及其时间戳有效"
}

# check_told: the log tells of exactly the signatures that the contract carries and of none for another contract, each
# by whom its certificate names, at the time of its timestamp, confirmed then as its signed attribute says; for a person
# nobody else has acted. What signatures rest on by the log is here.
check_told() {
    told=$(in_log party-signed | acts | awk '{ print $1, $3 == $2 || $3 ~ /^seal-/ ? $3 : "another", $4, $5 }' | sort)
    carried=$(printf %s "$carried" | sort)
    [ "$(echo "$told" | cut -d ' ' -f 1-2)" = "$(echo "$carried" | cut -d ' ' -f 1-2)" ] &&
        [ "$(in_log party-signed | wc -l)" -eq "$(grep -lF '"kind":"party-signed","public":{' log/entries/*.json | wc -l)" ] ||
        fail "the log tells of other signatures than the contract carries 日志所载签名与合同内签名不符"
    [ "$(echo "$told" | cut -d ' ' -f 1-3)" = "$(echo "$carried" | cut -d ' ' -f 1-3)" ] ||
        fail "the log has another time of a signature than its timestamp 日志所载签名时间与时间戳不符"
    [ "$(in_log party-signed | grep -c '"grounds":')" -eq "$(lines grounds 'authority/[0-9]*.json' | wc -l)" ] ||
        fail "the grounds of a signature that the log names are not here 缺少日志所载的签署依据"
    [ "$told" = "$carried" ] && [ -z "$(in_log party-signed | grep '"activated_' |
        grep -v '^{"at":\("[^"]*"\),.*,"public":{"activated_[a-z0-9_]*":\1,')" ] ||
        fail "the log tells of another way of confirming than the signature itself 日志所载确认方式与签名不符"
    pass "the log tells of exactly the signatures in the contract 日志所载签名与合同内签名一致"
}

check_resting() { # no acceptance, text of the agreement, letter or confirmation is here on which no signature rests
    alone=$(in_log party-signed | grep -v '"agreement":' | acts | cut -d ' ' -f 2 | sed 's/.*/"&"/')
    for path in agreement/*.json; do
        [ -e "$path" ] || continue
        number=${path#agreement/}
        sed -nE 's/^agreed [0-9]+ ([0-9,]+) .*/,\1,/p' index.txt | grep -qF ",${number%.json}," ||
            { [ "$(field "$path" '"format"')" = '"vermilion-agreement/1"' ] &&
                printf '%s\n' "$alone" | grep -qxF "$(field "$path" '"person"')"; } ||
            fail "no signature rests on $path 没有签名以该接受记录为依据"
    done
    texts=$(for path in agreement/*.json; do
        [ ! -e "$path" ] || fields "$path" | sed -n 's/^"texts""\([^"]*\)" "\(.*\)"$/\1.md \2/p' |
            sed "s|^|agreement/electronic-signing-$(field "$path" '"version"' | tr -dc 'A-Za-z0-9-').|"
    done)
    for path in agreement/*.md; do
        [ ! -e "$path" ] || printf '%s\n' "$texts" | grep -qxF "$path $(digest "$path")" ||
            fail "no acceptance names $path 该协议文本没有接受记录载明"
    done
    powers=$(grep -lF '"kind":"party-signed","public":{' log/entries/*.json | while read -r path; do
        [ -z "$(field "$path" '"public""grounds"')" ] || field "$path" '"public""power"' | tr -d '"'
    done)
    for path in authority/power-*; do
        power=${path#authority/}
        [ ! -e "$path" ] || printf '%s\n' "$powers" | grep -qxF "${power%.*}" ||
            fail "no signature rests on $path 没有签名以该授权委托书为依据"
    done
}

check_document_timestamp() { # NN HEAD TAIL LENGTH TIME
    embedded "signatures/$1.tst" "$2" "$3" || fail "timestamp $1 is not the one in the PDF 时间戳与 PDF 内不符"
    stated "$2" "$3" "$4" ||
        fail "what is dated does not say that timestamp $1 is there 时间戳位置与所载不符"
    range "$2" "$3" "$4" | token "signatures/$1.tst" /dev/stdin "$5" || fail "document timestamp $1 文档时间戳无效"
    proven "signatures/$1.tst" "$5"
    pass "document timestamp $1 文档时间戳有效"
}

# nth N FILE: the N-th certificate or list of a PEM file
nth() {
    awk -v n="$1" '/^-----BEGIN / { at++ } at == n' "$2"
}

# listed SERIAL: since when (seconds since 1970) the lists have it as not to be believed; nothing where they have not.
# That is its revocation or, where a key fell into other hands, the date since when, if that is earlier (RFC 5280, 5.3.2).
listed() {
    for number in $(awk '/^-----BEGIN / { print ++at }' certificates/crls.pem); do
        nth "$number" certificates/crls.pem | openssl crl -noout -text 2>/dev/null
    done | awk -v serial="$1" '
        function seconds(text, part, clock, month, year) { # "Nov 25 08:00:00 2026 GMT"
            split(text, part, " "); split(part[3], clock, ":")
            month = (index("JanFebMarAprMayJunJulAugSepOctNovDec", part[1]) + 2) / 3; year = part[4]
            if (month < 3) { month += 12; year-- }
            return ((365 * year + int(year / 4) - int(year / 100) + int(year / 400) \
                + int((153 * month - 457) / 5) + part[2] - 719469) * 24 + clock[1]) * 3600 + clock[2] * 60 + clock[3]
        }
        function earlier(moment) { if (since == "" || moment < since) since = moment }
        /^ *Serial Number: / { own = $3 == serial; compromised = 0 }
        /^ *Signature Algorithm: / { own = 0 }
        !own { next }
        /^ *Revocation Date: / { sub(/^ *Revocation Date: /, ""); earlier(seconds($0)) }
        /^ *X509v3 CRL Reason Code:/ { getline; compromised = /Key Compromise|CA Compromise/ }
        /^ *Invalidity Date:/ { getline; if (compromised) earlier(seconds($0)) }
        END { if (since != "") printf "%.0f\n", since }'
}

# trusted CERTIFICATE OPTIONS: it leads to the trusted root
trusted() {
    # shellcheck disable=SC2086 # options and their values
    echo "$1" | openssl verify -CAfile "$ca" -no-CApath -no-CAstore -untrusted "$chain" $2 2>&1
}

# stands CERTIFICATE OPTIONS SIGNED: it is trusted and, if its issuer's list has it, then only since after SIGNED
stands() {
    trusted "$1" "$2" >/dev/null || return 1
    told=$(trusted "$1" "$2 -crl_check -CRLfile certificates/crls.pem") && return 0
    case $(echo "$told" | grep '^error [0-9]') in # "certificate revoked", and nothing else
    *lookup*lookup*) return 1 ;;
    'error 23 at 0 depth lookup'*) ;;
    *) return 1 ;;
    esac
    since=$(listed "$(echo "$1" | openssl x509 -noout -serial | cut -d= -f2)")
    [ -n "$since" ] && [ "$3" -lt "$since" ]
}

# above CERTIFICATE: which of the chain issued it; none when the root did
above() {
    issuer=$(echo "$1" | openssl x509 -noout -issuer_hash)
    for number in $(awk '/^-----BEGIN / { print ++at }' "$chain"); do
        [ "$(nth "$number" "$chain" | openssl x509 -noout -subject_hash)" != "$issuer" ] || printf '%s ' "$number"
    done
}

# path_stands CERTIFICATE OPTIONS SIGNED: it and all above it
path_stands() {
    stands "$1" "$2" "$3" || return 1
    waiting=$(above "$1") seen=' '
    while [ -n "$waiting" ]; do
        next=${waiting%% *} waiting=${waiting#* }
        case $seen in *" $next "*) continue ;; esac
        seen="$seen$next "
        stands "$(nth "$next" "$chain")" "$2" "$3" || return 1
        waiting="$waiting$(above "$(nth "$next" "$chain")")"
    done
}

check_certificate() { # NAME TIME SIGNED: the certificate leads to the trusted root, and nothing was revoked by SIGNED
    case $1 in
    evidence | timestamping) acted=$made ;;
    timestamping-*) acted=$(printf '%s\n' "$stampers" | sed -n "s,^certificates/$1.pem ,,p" | sort | tail -n 1) ;;
    [0-9]*) acted=$(date_of "$(sed -nE "s/^signature $1 .* ([0-9]+)$/\1/p" index.txt)") ;;
    *) acted=$(date_of "$(sed -nE "s,^record ${1%%-*}/${1#*-} ([0-9]+)$,\1,p" index.txt)") ;;
    esac
    judged=$newest options="-attime $2"
    earlier "$newest" "$(openssl x509 -in "certificates/$1.pem" -noout -enddate | sed 's/.*=//' | instant)" ||
        judged=$(date_of 0) options=-no_check_time # it has run out since it signed
    [ "$acted $judged" = "$(date_of "$3") $(date_of "$2")" ] ||
        fail "index.txt has other times for certificate $1 索引中证书的时间不符"
    certificate=$(cat "certificates/$1.pem")
    [ "$(openssl x509 -in "certificates/$1.pem")" = "$certificate" ] || fail "certificates/$1.pem is more than a certificate 证书文件有其他内容"
    trusted "$certificate" "$options -crl_check_all -CRLfile certificates/crls.pem" >/dev/null ||
        path_stands "$certificate" "$options" "$3" ||
        fail "certificate $1 was revoked when it signed, or is not trusted 证书签署时已被吊销或不受信任"
    pass "certificate $1 is trusted and was not revoked when it signed 证书受信任且签署时未被吊销"
}

check_record() { # PATH TIME: a signed record, e.g. the agreement on electronic signing
    signer=$(cms "$1.p7s" "$1.json" "$2") || fail "signature of $1.json 签名无效"
    [ "$signer" = "$(cat "certificates/${1%%/*}-${1#*/}.pem")" ] ||
        fail "the certificate of $1.json is not of its signature 证书并非签名所用证书"
    value "$1" || fail "$1.sig is not of its signature 签名值不符"
    token "$1.tst" "$1.sig" "$2" || fail "timestamp of $1.json 时间戳无效"
    proven "$1.tst" "$2"
    case $1 in authority/*)
        pem="certificates/authority-${1#authority/}.pem"
        openssl x509 -in "$pem" |
            openssl cms -verify -binary -inform DER -in "$1.p7s" -content "$1.json" -out /dev/null \
                -nointern -certfile /dev/stdin -attime "$2" -CAfile "$ca" -no-CApath -no-CAstore 2>/dev/null &&
            service "$pem" || fail "$1.json is not the authority's 确认声明并非由证据服务签名"
        ;;
    *)
        [ "$(field "$1.json" '"person"')" = "\"$(subject "$signer")\"" ] ||
            fail "$1.json is signed by somebody else than the person in it 并非由所载人员签名"
        ;;
    esac
    pass "signature and timestamp of $1.json 签名与时间戳有效"
}

digest() {
    openssl dgst -sha256 -r "$1" | cut -c1-64
}

check_agreement() { # NN ENTRY: what was accepted is what the log's entry has, in the texts that lie beside it
    [ "$(field "log/entries/$2.json" '"kind"')" = '"agreement-accepted"' ] &&
        [ "$(field "log/entries/$2.json" '"public""signed"')" = "\"$(digest "agreement/$1.json")\"" ] &&
        [ "$(field "log/entries/$2.json" '"public""actor"')" = "$(field "agreement/$1.json" '"person"')" ] &&
        [ "$(moment "$2")" = "$(stamped "agreement/$1.tst")" ] ||
        fail "the log has another acceptance than agreement/$1.json 协议接受记录与日志不符"
    for name in person version; do
        [ "$(field "log/entries/$2.json" "\"public\"\"$name\"")" = "$(field "agreement/$1.json" "\"$name\"")" ] ||
            fail "the log has another acceptance than agreement/$1.json 协议接受记录与日志不符"
    done
    own=$(field "agreement/$1.json" '"party""subject"')
    [ -z "$own" ] || [ "$own" = "$(field "agreement/$1.json" '"person"')" ] ||
        fail "somebody else has accepted for the person in agreement/$1.json 并非当事人本人接受"
    version=$(sed -nE 's/.*"version":"([A-Za-z0-9-]+)".*/\1/p' "agreement/$1.json")
    for language in en zh; do
        grep -q "\"$language\":\"$(digest "agreement/electronic-signing-$version.$language.md")\"" "agreement/$1.json" ||
            fail "the text accepted in agreement/$1.json is another one 接受的协议文本不符"
    done
    pass "the acceptance $1 of the agreement on electronic signing is the one in the log 电子签名使用协议接受记录与日志一致"
}

# named CERTIFICATE TYPE: what its subject has of this type
named() {
    openssl x509 -in "$1" -noout -subject -nameopt oid,utf8,sep_multiline | sed -n "s/^ *2[.]5[.]4[.]$2=//p"
}

check_carried() { # NN ENTRY: who accepted has made the signature in ENTRY, or is certified under the organisation
    record="agreement/$1.json" pem="certificates/agreement-$1.pem" element='(82....|81..|[0-7].)'
    [ "$(field "$record" '"person"')" != "$(field "log/entries/$2.json" '"public""signer"')" ] || return 0
    name=$(field "$record" '"party""name"' | sed 's/^"//; s/"$//; s/\\\(["\]\)/\1/g')
    full=$(printf %s "$name" | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F) # it may be in full beside the subject
    longer=$(openssl asn1parse -in "$pem" | sed -nE "/:1[.]3[.]6[.]1[.]4[.]1[.]32473[.]1[.]3$/{n;s/.*DUMP\]:30${element}80$element//p;}")
    [ -n "$(field "$record" '"party""subject"')" ] || if [ -n "$longer" ]; then
        ! printf '%s\n' "$longer" | grep -qxE "$full(81.*)?"
    else
        [ "$(named "$pem" 10)" != "$name" ]
    fi || return 0
    under=$(named "$pem" 10)
    whose="$name: $(named "$pem" 3) (${under:-—})"
    case $(field "$record" '"format"') in
    '"vermilion-agreement/2"' | '"vermilion-agreement/3"') ;; # these did not demand it
    *) fail "$record is by somebody of another organisation 接受者不属于该单位: $whose" ;;
    esac
    echo "NOTE  entry $2 rests on what somebody not certified under it accepted 接受者证书所载并非该单位:"
    printf '      %s\n' "$whose"
}

# side ENTRY: the party that signed in this entry, as acceptances name it; nothing where its name was erased
side() {
    opening="log/openings/$1.json"
    grep -q '"organisation":' "$opening" 2>/dev/null || return 0
    named=$(sed -nE 's/.*"organisation":\{"salt":"[^"]*","value":"(([^"\\]|\\.)*)"\}.*/\1/p' "$opening" |
        sed -E 's/^( |　)+//; s/( |　)+$//')
    if [ -n "$named" ]; then
        printf '{"kind":"organisation","name":"%s"}' "$named"
    else
        sed -nE 's/.*"signer":("[^"]*").*/"subject":\1}/p' "log/entries/$1.json"
    fi
}

moment() { # ENTRY
    sed -nE 's/^\{"at":"([^"]*)".*/\1/p' "log/entries/$1.json"
}

check_agreed() { # ENTRY NN,NN ENTRY,ENTRY: the signature in ENTRY rests on acceptances from before that name all parties
    named=$(for number in $(echo "$3" | tr ',' ' '); do expr "$number" + 0; done | tr '\n' ' ')
    [ "$(field "log/entries/$1.json" '"public""agreement"')" = "\"${named% }\"" ] ||
        fail "the log names other acceptances for the signature in entry $1 签名所依据的协议与日志不符"
    for number in $(echo "$3" | tr ',' ' '); do
        [ "$(expr "$number" + 0)" -lt "$(expr "$1" + 0)" ] &&
            [ "$(printf '%s\n%s\n' "$(moment "$number")" "$(moment "$1")" | sort | head -n 1)" = "$(moment "$number")" ] ||
            fail "an acceptance does not come before the signature in entry $1 接受协议晚于签名"
    done
    [ "$(echo "$2" | tr -cd ,)" = "$(echo "$3" | tr -cd ,)" ] ||
        fail "the log names other acceptances for the signature in entry $1 签名所依据的协议与日志不符"
    records='' rest=$3
    for number in $(echo "$2" | tr ',' ' '); do
        check_agreement "$number" "${rest%%,*}"
        check_carried "$number" "$1"
        rest=${rest#*,}
        record=$(cat "agreement/$number.json")
        printf '%s\n' "$record" | sed -nE 's/.*"party":(\{.*\}),"person":.*/\1/p' | grep -qF "$(side "$1")" ||
            fail "the acceptance $number is not for the party of the signature in entry $1 接受协议的不是签名一方"
        records="$records$record"
    done
    for other in $(grep -lF '"kind":"party-signed","public":{' log/entries/*.json | sed 's|.*/||; s/\.json$//'); do
        printf '%s\n' "$records" | grep -qF "$(side "$other")" ||
            fail "the acceptances for the signature in entry $1 do not name all parties 协议未列明全部当事人"
    done
    [ -n "$(side "$1")" ] || {
        echo "NOTE  entry $1 does not name its party, erased or left out 未载明签名一方（已删除或未提供）"
        return
    }
    pass "the party of the signature in entry $1 had agreed to sign electronically 签名一方此前已约定采用电子签名"
}

# fields FILE: each value of a JSON file on a line of its own: where it stands ("matter""kinds"#0), a blank, the value
# as it is written; [] or {} for what has none. No name is in one object twice, and no character is written in a way
# of its own, in which what is looked for is not found.
fields() {
    awk '
        function word() {
            if (!match(substr(text, at), /^("([^"\\]|\\["\\bfnrt]|\\u00[01][0-9a-f])*"|[a-z0-9-]+)/)) exit 1
            at += RLENGTH
            return substr(text, at - RLENGTH, RLENGTH)
        }
        function key(path, name) {
            name = word(); at++
            if (name ~ /[\/\\]/ || seen[path name]++) exit 1 # field looks for it by an expression of sed
            return name
        }
        function value(path, open, count) {
            open = substr(text, at, 1)
            if (open != "{" && open != "[") { print path " " word(); return }
            at++
            for (count = 0; substr(text, at, 1) !~ /[]}]/; count++) {
                if (count) at++
                value(path (open == "{" ? key(path) : "#" count))
            }
            at++
            if (!count) print path " " open substr(text, at - 1, 1)
        }
        { text = $0; at = 1; value(""); if (NR > 1 || at <= length(text)) exit 1 }' "$1"
}

# field FILE PLACE: the value that stands there; nothing for none
field() {
    fields "$1" | sed -n "s/^$2 //p"
}

# plain NAME: as names are compared: without blanks, capitals and wide signs
plain() {
    printf '%s\n' "$1" | sed 's/（/(/g; s/）/)/g; s/，/,/g; s/．/./g; s/－/-/g; s/＆/\&/g; s/　//g' | tr -d ' ' | tr A-Z a-z
}

check_grounds() { # NN ENTRY: on what signature NN rests is what the log's entry of the signature names
    [ "$(field "log/entries/$2.json" '"public""grounds"')" = "\"$(digest "authority/$1.json")\"" ] &&
        [ "$(field "log/entries/$2.json" '"kind"')" = '"party-signed"' ] ||
        fail "the log names other grounds of signature $1 签署依据与日志不符"
    for both in contract:contract party:party field:field signer:signer person:actor; do
        [ "$(field "authority/$1.json" "\"${both%:*}\"")" = "$(field "log/entries/$2.json" "\"public\"\"${both#*:}\"")" ] ||
            fail "the grounds of signature $1 are about another signature 签署依据属于另一签名"
    done
    own=$(field "log/entries/$2.json" '"public""signed"' | tr -d '"')
    printf %s "$numbered" | grep -qxF "$1 $own" && [ "$(stamped "signatures/$1.tst")" = "$(moment "$2")" ] ||
        fail "the grounds $1 are of another signature, or the log has another time 签署依据不属于该签名或时间不符"
    power=$(field "log/entries/$2.json" '"public""power"' | tr -d '"')
    check_identity "authority/$1.json" "log/entries/$2.json" "$(moment "$2")"
    if [ "$(field "authority/$1.json" '"outcome"')" != '"not-needed"' ]; then
        grep -qxF "letter $power $1" index.txt ||
            fail "index.txt passes over the letter of signature $1 索引未列授权委托书"
        check_power "authority/$1.json" "$(moment "$2")"
        check_stated "authority/$1.json"
        check_sides "$1" "$2"
    elif [ -n "$power" ] || [ "$(field "authority/$1.json" '"matter""needed"')" != false ]; then
        fail "the log names a power of attorney for signature $1, its grounds name none 签署依据与日志不符"
    fi
    pass "the grounds of signature $1 are those in the log 签署依据与日志一致"
}

# check_identity FILE ENTRY TIME: the identity check is the one that the log has, by somebody else, and covers that time
check_identity() {
    identity=$(field "$1" '"identity""id"') other="the log has another identity check than $1 身份核验与日志不符"
    [ "$identity" = "$(field "$2" '"public""identity"')" ] || fail "$other"
    [ -n "$identity" ] || return 0
    during "$1" '"identity"' "$3" || fail "identity check in $1 身份核验不在有效期内"
    checked=log/entries/$(told_of identity "$identity" identity-checked | tail -n 1).json
    [ -e "$checked" ] || fail "$other"
    for name in document commitment against answers until; do
        [ "$(field "$1" "\"identity\"\"$name\"")" = "$(field "$checked" "\"public\"\"$name\"")" ] || fail "$other"
    done
    by=$(field "$1" '"identity""checked_by"') whom=$(field "$1" '"person"')
    [ "$by $whom" = "$(field "$checked" '"public""actor"') $(field "$checked" '"public""person"')" ] &&
        [ "$by" != "$whom" ] && [ "$(field "$1" '"identity""since"')" = "$(field "$checked" '"at"')" ] || fail "$other"
    for withdrawn in $(told_of identity "$identity" identity-withdrawn); do
        earlier "$3" "$(moment "$withdrawn")" || fail "$other"
    done
}

# check_stated FILE: amount and type are those that the log has of the contract, where they were not erased
check_stated() {
    stated=
    for number in $(entry_numbers); do
        ! grep -qE '"kind":"contract-(drafted|revised)","public":\{' "log/entries/$number.json" ||
            ! grep -q . "log/openings/$number.json" 2>/dev/null || stated=log/openings/$number.json
    done
    [ -n "$stated" ] || return 0
    amount=$(field "$stated" '"amount""value"' | tr -d '"') kind=$(field "$stated" '"kind""value"')
    case $amount in
    '' | null) amount=null ;;
    *) amount="\"${amount%% *}\" $(printf '%s\n' "${amount#* }" | tr -cd 0-9 | sed 's/^0*\(.\)/\1/')" ;;
    esac
    own=$(field "$1" '"matter""amount"')
    [ "$own" = null ] || own="$(field "$1" '"matter""currency"') $own"
    [ "$own" = "$amount" ] && [ "${kind:=$(field "$1" '"matter""kinds"#0')}" = "$(field "$1" '"matter""kinds"#0')" ] ||
        fail "$1: amount or type 金额或类型与日志不符"
}

# instant: each date that comes in, of openssl, in whole seconds as the log writes it
instant() {
    awk '{
        sub(/[.].*/, "", $3)
        printf "%04d-%02d-%02dT%sZ\n", $4, (index("JanFebMarAprMayJunJulAugSepOctNovDec", $1) + 2) / 3, $2, $3
    }'
}

# stamped TOKEN: its time
stamped() {
    openssl ts -reply -token_in -in "$1" -text 2>/dev/null | sed -n 's/^Time stamp: //p' | instant
}

# stamper TIMESTAMP: the certificate here by which it was made
stamper() {
    form=-token_in
    [ "${1%.tsr}" = "$1" ] || form=
    for pem in certificates/timestamping*.pem; do
        # shellcheck disable=SC2086 # an option or none
        openssl ts -reply $form -in "$1" -token_out 2>/dev/null | openssl cms -verify -noverify -inform DER -nointern \
            -certfile "$pem" -out /dev/null 2>/dev/null && echo "$pem" && return
    done
}

# check_stampers: each timestamp is by a certificate that is here. Until when it is proven to have been there: to the
# document timestamp after it; for records to the completion of the contract.
check_stampers() {
    made=$(date_of "$(created)")
    ended=$(grep -lF '"kind":"contract-completed","public":{' log/entries/*.json | while read -r path; do
        moment "$(basename "$path" .json)"
    done | sort | head -n 1)
    stampers=$({
        printf '%s\n' "log/checkpoint.tst $made" "contract/contract.tsr $made"
        sed -nE "s,^record ([^ ]+) .*,\1.tst ${ended:-$made},p" index.txt
        sed -nE 's/^(signature|timestamp) ([0-9]+) .* ([0-9]+)$/\2 \3/p' index.txt | while read -r number at; do
            after=$(sed -n 's/^timestamp .* //p' index.txt | awk -v at="$at" '$1 > at' | sort -n | head -n 1)
            echo "signatures/$number.tst $(date_of "${after:-$(created)}")"
        done
    } | while read -r path until; do
        echo "$(stamper "$path") $until"
    done)
    newest=$(for number in $(awk '/^-----BEGIN / { print ++at }' certificates/crls.pem); do
        nth "$number" certificates/crls.pem | openssl crl -noout -lastupdate | sed 's/.*=//'
    done | instant | sort | tail -n 1)
    ! printf '%s\n' "$stampers" | grep -q '^ ' || fail "the certificate of a timestamp is not here 缺少时间戳证书"
}

# organisation ENTRY: for whom somebody signed in this entry; nothing where its name was erased
organisation() {
    [ ! -e "log/openings/$1.json" ] || field "log/openings/$1.json" '"organisation""value"'
}

# earlier ONE OTHER: whether ONE is not later than OTHER; times are UTC, so their order is that of text
earlier() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort | head -n 1)" = "$1" ]
}

# during FILE PLACE TIME: whether TIME is in the term that stands there, of which the end is no part
during() {
    since=$(field "$1" "$2\"since\"" | tr -d '"') until=$(field "$1" "$2\"until\"" | tr -d '"')
    [ -n "$since" ] && [ -n "$until" ] && earlier "$since" "$3" && earlier "$3" "$until" && [ "$3" != "$until" ]
}

# among NAME FILE PLACE: whether it is one of the names that stand there, or none do
among() {
    field "$2" "$3\(#[0-9]*\)\{0,1\}" | while read -r one; do
        [ "$one" != '[]' ] && [ "$(plain "$one")" != "$(plain "$1")" ] || echo it is
    done | grep -q .
}

# at_most AMOUNT LIMIT: whole numbers of any size
at_most() {
    case "$1 $2" in *[!0-9\ ]* | ' '* | *' ') return 1 ;; esac
    [ "${#1}" -lt "${#2}" ] || { [ "${#1}" -eq "${#2}" ] && earlier "$1" "$2"; }
}

# check_power FILE TIME: term and scope of the power in the record cover the signature at that time
check_power() {
    power='"considered"#0"power"' other='（名称不同时须由 check.py 比对）'
    during "$1" "$power" "$2" || fail "the term in $1 is over 不在授权期限内"
    by=$(field "$1" "$power\"verified\"\"by\"")
    [ -n "$by" ] && [ "$by" != "$(field "$1" "$power\"registered\"\"by\"")" ] &&
        [ "$by" != "$(field "$1" "$power\"agent\"")" ] || fail "$1: no second person 未经第二人核验"
    [ "$(field "$1" "$power\"agent\"")" = "$(field "$1" '"matter""agent"')" ] ||
        fail "$1 is for somebody else 授权主体不符"
    [ "$(field "$1" "$power\"basis\"")" != '"legal-representative"' ] || return 0
    field "$1" '"matter""kinds"#[0-9]*' | while read -r kind; do
        ! among "$kind" "$1" "$power\"kinds\"" || echo it is
    done | grep -q . || fail "$1: type, as it is written 合同类型超出授权$other"
    field "$1" '"matter""counterparties"#[0-9]*' | while read -r side; do
        among "$side" "$1" "$power\"counterparties\"" || exit 1
    done || fail "$1: counterparty, as it is written 相对方超出授权$other"
    seal=$(field "$1" '"matter""seal"') signer=$(field "$1" '"signer"')
    case $signer in '"seal-'*) ;; *) signer=null ;; esac
    [ "$seal" = "$signer" ] || fail "$1: seal 印章超出授权"
    [ "$seal" = null ] || field "$1" "$power\"seals\"#[0-9]*" | grep -qxF "$seal" || fail "$1: seal 印章超出授权"
    limit=$(field "$1" "$power\"limit\"") amount=$(field "$1" '"matter""amount"')
    [ "$limit" = null ] || [ "$amount $(field "$1" '"matter""amount_needed"')" = 'null false' ] ||
        { [ "$(field "$1" '"matter""currency"')" = "$(field "$1" "$power\"currency\"")" ] && at_most "$amount" "$limit"; } ||
        fail "$1: amount 金额超出授权"
}

check_sides() { # NN ENTRY: the power is for who signed, of the organisation that they signed for, and names the other side
    record="authority/$1.json" power='"considered"#0"power"'
    [ "$(field "$record" '"considered"#0"covers"')" = true ] &&
        [ "$(field "$record" "$power\"agent\"")" = "$(field "$record" '"person"')" ] ||
        fail "the power of attorney in $record is for somebody else 授权主体不符"
    whose=$(field "$record" '"matter""organisation"') grantor=$(field "$record" "$power\"grantor\"")
    [ "$(plain "$whose")" = "$(plain "$grantor")" ] ||
        fail "$record: these are other names, or check.py can tell that they are one 名称不同（或须由 check.py 比对）: $whose $grantor"
    own=$(organisation "$2")
    [ -z "$own" ] || [ "$own" = "$whose" ] || fail "$record is for another side than the signature 授权主体并非签名一方"
    for other in $(grep -lF '"kind":"party-signed","public":{' log/entries/*.json | sed 's|.*/||; s/\.json$//'); do
        side=$(organisation "$other")
        case $side in '' | '""' | null | "$whose") continue ;; esac
        field "$record" '"matter""counterparties"#[0-9]*' | grep -qxF "$side" ||
            fail "$record does not name all other sides 签署依据未列明全部相对方"
    done
}

check_letter() { # POWER NN: the letter of attorney is the one that signature NN rests on
    power='"considered"#0"power"'
    [ "$(field "authority/$2.json" "$power\"letter\"")" = "\"$(digest "authority/$1.pdf")\"" ] &&
        [ "$(field "authority/$2.json" "$power\"id\"")" = "\"$1\"" ] ||
        fail "the letter $1 is not the one of signature $2 授权委托书不符"
    pass "the letter $1 is the one that signature $2 rests on 授权委托书与签署依据一致"
    check_confirmed "$1" "$2"
}

# entry_numbers: of the entries of the log, in its order
entry_numbers() {
    ls log/entries | sed 's/\.json$//' | sort -n
}

# told_of WHAT NAME KIND: the numbers of the log's entries of this kind about a power or an identity check, NAME in quotes
told_of() {
    grep -lF "\"kind\":\"$3\",\"public\":{" log/entries/*.json | while read -r path; do
        [ "$(field "$path" "\"public\"\"$1\"")" != "$2" ] || echo "$path"
    done | sed 's|.*/||; s|[.].*||'
}

# terms FILE PLACE: what a statement or a record says of a power
terms() {
    fields "$1" | sed -n "s/^$2//p" | grep -E '^"(agent|basis|counterparties|currency|grantor|id|kinds|letter|limit|principal|seals|since|until)"'
}

check_confirmed() { # POWER NN: officers have confirmed exactly this, as the authority states; or nobody could ask for it yet
    registered=$(told_of power "\"$1\"" power-registered) number=$(told_of power "\"$1\"" power-verified)
    case "$registered $number" in
    *[!0-9\ ]* | ' '* | *' ') fail "the log does not say once that $1 was verified 日志未载明授权委托书经核验" ;;
    esac
    [ "$(expr "$registered" + 0)" -lt "$(expr "$number" + 0)" ] ||
        fail "the log does not say once that $1 was verified 日志未载明授权委托书经核验"
    power='"considered"#0"power"' entry=$(grep -lF "\"grounds\":\"$(digest "authority/$2.json")\"" log/entries/*.json | sed 's|.*/||; s|[.].*||')
    for both in agent:agent basis:basis since:since until:until letter:digest; do
        [ "$(field "authority/$2.json" "$power\"${both%:*}\"")" = "$(field "log/entries/$registered.json" "\"public\"\"${both#*:}\"")" ] ||
            fail "the log has other terms of $1 than signature $2 授权委托书与日志不符"
    done
    by=$(field "log/entries/$number.json" '"public""actor"') facts=$(field "log/entries/$registered.json" '"public""digest"')
    [ "$(field "log/entries/$number.json" '"public""digest"')" = "$facts" ] ||
        fail "the log has other terms of $1 than signature $2 授权委托书与日志不符"
    [ "$(field "authority/$2.json" "$power\"verified\"\"by\"")" = "$by" ] && [ "$(field "authority/$2.json" "$power\"agent\"")" != "$by" ] &&
        [ "$(field "log/entries/$registered.json" '"public""actor"')" != "$by" ] ||
        fail "$1: no second person 未经第二人核验"
    for revoked in $(told_of power "\"$1\"" power-revoked); do
        earlier "$(moment "$entry")" "$(moment "$revoked")" || fail "$1 was revoked 签名前授权委托书已被撤销"
    done
    if [ ! -e "authority/$1.json" ]; then
        since=$(sed -n 's/.*"powers_stated_since":\([0-9]*\),"withheld":.*/\1/p' manifest.json)
        ! grep -q '"statement":' "log/entries/$number.json" && earlier "$(moment "$number")" "$(moment "$entry")" && { [ -z "$since" ] || [ "$(expr "$number" + 0)" -lt "$since" ]; } ||
            fail "the statement that officers confirmed $1 is missing 缺少登记员确认授权委托书的声明"
        [ -z "$since" ] || echo "NOTE  $1 was confirmed before statements began 授权委托书确认于确认声明启用之前"
        return
    fi
    grep -q "\"statement\":\"$(digest "authority/$1.json")\"" "log/entries/$number.json" ||
        fail "authority/$1.json is not the one in the log 确认声明与日志不符"
    [ "$(terms "authority/$1.json" '"power"')" = "$(terms "authority/$2.json" '"considered"#0"power"')" ] &&
        [ "$(field "authority/$1.json" '"power""registered_by"')" = \
            "$(field "authority/$2.json" '"considered"#0"power""registered""by"')" ] &&
        [ "$(field "authority/$1.json" '"format"')" = '"vermilion-power/1"' ] ||
        fail "authority/$1.json is about another power of attorney 确认声明与授权委托书不符"
    field "authority/$1.json" '"confirmed_by"#[0-9]*"subject"' | grep -qxF "$by" ||
        fail "authority/$1.json does not name who confirmed $1 by the log 确认人与日志不符"
    confirmed=$(field "authority/$1.json" '"confirmed"' | tr -d '"')
    earlier "$confirmed" "$(moment "$entry")" && earlier "$(moment "$number")" "$(moment "$entry")" ||
        fail "authority/$1.json was made after signature $2 确认声明晚于签名"
    pass "officers have confirmed $1 授权委托书经登记员确认"
}

check_log() {
    text=$(cat log/checkpoint.text && echo .)
    [ "$(sed '/^$/,$d' log/checkpoint && echo .)" = "$text" ] || fail "log/checkpoint.text is not the checkpoint's 不符"
    named=$(sed -n 's/^{"checkpoint":{"origin":"\([^"\\]*\)","root":"\([^"\\]*\)","size":\([0-9]*\)},.*/\1 \3 \2 ./p' \
        manifest.json)
    [ "$(echo "$text" | tr '\n' ' ')" = "$named " ] ||
        fail "the log's checkpoint is not the one that the manifest names 日志检查点与清单所载不符"
    openssl pkeyutl -verify -rawin -pubin -inkey log/log.pub.pem -sigfile log/checkpoint.sig \
        -in log/checkpoint.text >/dev/null 2>&1 || fail "signature of the log's checkpoint 日志检查点签名无效"
    token log/checkpoint.tst log/checkpoint "$1" || fail "timestamp of the log's checkpoint 检查点时间戳无效"
    pass "the log's checkpoint and its timestamp 日志检查点及其时间戳有效"
}

check_opening() { # NUMBER: the private fields in the clear are those that the entry commits to
    opening="log/openings/$1.json"
    [ -e "$opening" ] || return 0
    opened=$(fields "$opening") || fail "$opening cannot be read 文件无法读取"
    printf '%s\n' "$opened" | while read -r place value; do
        case $place in
        '{}') ;;
        *'"salt"') salt=$value ;;
        *'"value"')
            name=${place%'"value"'}
            made=$(printf '{"name":%s,"salt":%s,"value":%s}' "$name" "$salt" "$value" | sha256sum | cut -c1-64)
            [ "$(field "log/entries/$1.json" "\"commitments\"$name")" = "\"$made\"" ] || exit 1
            ;;
        *) exit 1 ;;
        esac
    done || fail "a private field of entry $1 is not the one in the log 条目内容与日志不符"
}

# check_form NUMBER: the entry has the one form that entries have, two levels and each name once, so that what is found
# in it stands in one place
check_form() {
    pair='"[a-z0-9_-]+":("([^"\\]|\\["\\bfnrt]|\\u00[01][0-9a-f])*"|[0-9]+|null|true|false)'
    pairs="\\{($pair(,$pair)*)?\\}"
    [ "$(wc -l <"log/entries/$1.json")" -eq 0 ] &&
        grep -qxE "\\{\"at\":\"[0-9TZ:-]*\",\"commitments\":$pairs,\"format\":\"[a-z0-9/-]*\",\"kind\":\"[a-z0-9-]*\",\"public\":$pairs\\}" \
            "log/entries/$1.json" &&
        [ -z "$(fields "log/entries/$1.json" | cut -d ' ' -f 1 | sort | uniq -d)" ] ||
        fail "log entry $1 has another form than entries have 日志条目格式不符"
}

check_entry() { # NUMBER
    check_form "$1"
    [ "$(sed -n 's/^index //p' "log/proofs/$1.tlog-proof" | head -n 1)" = "$(expr "$1" + 0)" ] ||
        fail "the proof of entry $1 is for another entry 证明属于另一条目"
    sed '1,/^$/d' "log/proofs/$1.tlog-proof" | cmp -s - log/checkpoint || fail "proof $1 is for another checkpoint"
    [ "$(included "log/entries/$1.json" "log/proofs/$1.tlog-proof")" = "$(sed -n 3p log/checkpoint.text | octets)" ] ||
        fail "log entry $1 is not in the log 日志条目不在日志中"
    check_opening "$1"
    pass "log entry $1 is in the log 日志条目已证明在日志中"
}

# in_log KIND: the entries of this contract of that kind, the newest last
in_log() {
    for path in $entries; do
        ! grep -qF "\"kind\":\"$1\",\"public\":{" "$path" || { cat "$path" && echo; }
    done
}

# acts: of each entry that comes in the digest of what was signed, its actor (the first of its public fields but for
# how it was activated), the signer, the time, and that field's name; "another" for one of another form
acts() {
    sed -E -e '/,"activated_/s/^/another/' -e 's/^\{"at":"([^"]*)","commitments":\{[^}]*\},"format":"[^"]*","kind":"[^"]*","public":\{("(activated_[a-z0-9_]*)":"[^"]*",)?"actor":"([^"\\[:space:]]*)",.*"signed":"([0-9a-f]{64})","signer":"([^"\\[:space:]]*)".*/\5 \4 \6 \1 \3/' \
        -e t -e 's/.*/another another another/'
}

# declared PROPOSAL: digest, person and time of the declarations that the log has of it
declared() {
    [ -n "$1" ] || return 0
    in_log void-declared | grep "\"voiding\":\"$1\"" | acts | cut -d ' ' -f 1,2,4
}

# stages: the digests of the signed file as it was completed, and as it was renewed
stages() {
    { in_log contract-completed && in_log archive-renewed; } |
        sed -nE 's/.*"digest":"([0-9a-f]{64})".*"size":([0-9]+)[,}].*/\1 \2/p' | while read -r named size; do
        [ "$(head -c "$size" "$signed" | sha256sum | cut -c1-64)" != "$named" ] || echo "$named"
    done
}

# declarer PATH PROPOSAL: who declares there that this contract is void, by its number, its title and its signed file
declarer() {
    title=$(sed -nE 's/.*"title":("([^"\\]|\\.)*"),"zone":"[^"]*"\}$/\1/p' history/history.json)
    [ "$(field "$1" '"title"')" = "$title" ] &&
        stages | grep -qxF "$(field "$1" '"digest"' | tr -d '"')" &&
        [ "$(field "$1" '"contract"') $(field "$1" '"voiding"')" = "\"$contract\" \"$2\"" ] &&
        field "$1" '"person"' | tr -d '"'
    true
}

# check_void PROPOSAL: a contract that is void has the declarations that the log has of it, which are about it, by
# everybody who signed; any other one none
check_void() {
    here=$(for path in voiding/*.json; do
        [ ! -e "$path" ] || echo "$(digest "$path") $(declarer "$path" "$1") $(stamped "${path%.json}.tst")"
    done | sort)
    [ "$here" = "$(declared "$1" | sort)" ] &&
        { [ -z "$1" ] || [ -z "$(in_log party-signed | acts | cut -d ' ' -f 2 | grep -vxF "$(declared "$1" | cut -d ' ' -f 2)")" ]; } ||
        fail "the declarations that the contract is void are not those in the log 作废声明与日志不符"
    seals=$(in_log party-signed | acts | cut -d ' ' -f 3 | grep '^seal-' | tr '\n' ' ')
    [ -z "$1" ] || [ -z "$seals" ] || echo "NOTE  who used these seals only the portal says 用印人仅以平台记录为凭: $seals"
    [ -z "$1" ] || echo "VOID  the parties have declared this contract void 各方已声明合同作废"
}

# told NUMBER: what the log has in an entry, as the history tells it, and each value on a line of its own
told() {
    entry=log/entries/$1.json opening=log/openings/$1.json
    printf '"entry" %s\n' "$(expr "$1" + 0)"
    field "$entry" '"public""actor"' | grep . >/dev/null || echo '"actor" ""'
    fields "$entry" | sed -n 's/^"public""actor" /"actor" /p; t
        s/^"at" /"at""utc" /p; /^"kind" /p; /^"public""/p'
    fields "$entry" | grep '^"public""' | grep -qv '^"public""actor" ' || echo '"public" {}'
    { [ ! -e "$opening" ] || fields "$opening"; } | sed -n 's/^\(".*"\)"value" /"private"\1 /p' | grep . || echo '"private" {}'
}

check_events() { # history.json tells what the entries of the log say, each value as it stands there
    at=0
    expected=$(for number in $(entry_numbers); do
        told "$number" | sed "s/^/\"events\"#$at/"
        at=$((at + 1))
    done | sort)
    [ "$(fields history/history.json | sed -n '/^"events"#[0-9]*"at""local" /d; /^"events"/p' | sort)" = "$expected" ] ||
        fail "the history is not what the log's entries say 历史记录与日志条目不符"
    pass "the history is what the log's entries say 历史记录与日志条目一致"
}

check_history() { # every entry of this contract names its place and the hash of the one before: none is missing
    contract=$(field history/history.json '"contract"' | tr -d '"')
    [ "$contract" = "$(sed -n 's/^{"checkpoint":{[^}]*},"contract":"\([^"]*\)",.*/\1/p' manifest.json)" ] ||
        fail "the history is about another contract than the manifest 历史记录与清单所载合同不符"
    count=0 before='' entries=''
    for number in $(entry_numbers); do
        entry="log/entries/$number.json"
        [ "$(field "$entry" '"public""contract"')" = "\"$contract\"" ] || continue
        count=$((count + 1)) entries="$entries $entry"
        [ "$(field "$entry" '"public""sequence"')" = "$count" ] &&
            [ "$(field "$entry" '"public""previous"' | tr -d '"')" = "$before" ] ||
            fail "the history has a gap before log entry $number 历史记录在此条目之前有缺失"
        before=$({ printf '\000' && cat "$entry"; } | sha256sum | cut -c1-64)
    done
    [ "$count" -gt 0 ] || fail "no log entry is of this contract 没有本合同的日志条目"
    completed=$(in_log contract-completed | tail -n 1 | sed -n 's/.*"digest":"\([0-9a-f]*\)".*"size":\([0-9]*\).*/\2 \1/p')
    [ -n "$completed" ] && [ "$(head -c "${completed% *}" "$signed" | sha256sum | cut -c1-64)" = "${completed#* }" ] ||
        fail "the history does not end with the signed file 历史记录未载明该签署文件已完成"
    pass "the history has no gap: $count entries 历史记录完整无缺：$count 条"
    check_void "$(in_log contract-voided | tail -n 1 | sed -n 's/.*"voiding":"\([^"]*\)".*/\1/p')"
}

check_given() { # the contract as given is what was drafted, by the log; what was found in it, and who answered for that, too
    grep -hF "\"digest\":\"$(digest contract/contract.pdf)\"" $entries | grep -q '"pages":' ||
        fail "contract/contract.pdf is not what was drafted by the log 合同原件与日志所载不符"
    for path in review/*.json; do
        [ -e "$path" ] || continue
        kind=content-checked name=check
        [ "$path" = review/check.json ] || kind=review-signed-off name=record
        in_log "$kind" | grep -F "\"document\":\"$(digest contract/contract.pdf)\"" | grep -F "\"$name\":\"$(digest "$path")\"" |
            grep -qF "\"actor\":$(field "$path" '"reviewer"')" || fail "the log knows nothing of $path 日志中没有该审查记录"
    done
}

# lines KIND PATTERN: a line of index.txt for each file, by its name without folder and ending
lines() {
    for path in $2; do
        [ ! -e "$path" ] || echo "$path"
    done | sed "s|.*/||; s|[.].*||; s|^|$1 |"
}

# expected: what index.txt must have go through, by the files that are here: each signature and document timestamp,
# certificate and record, the grounds of each signature, letters, the checkpoint once, each entry of the log
expected() {
    lines signature 'signatures/*.p7s'
    for path in signatures/*.tst; do
        [ -e "${path%.tst}.p7s" ] || lines timestamp "$path"
    done
    lines certificate 'certificates/*.pem' | grep -vxE 'certificate (ca|chain|crls)'
    for folder in agreement voiding; do
        lines record "$folder/*.json" | sed "s|record |record $folder/|"
    done
    lines record 'authority/power-*.json' | sed 's|record |record authority/|'
    lines grounds 'authority/[0-9]*.json'
    lines letter 'authority/*.pdf'
    grep -lF '"kind":"party-signed","public":{' log/entries/*.json | while read -r path; do
        ! grep -q '"agreement":' "$path" || lines agreed "$path"
    done
    echo 'checkpoint'
    lines entry 'log/entries/*.json'
}

check_index() { # index.txt passes nothing over, and has the manifest's time
    # first its form: its numbers get into $((…)), in which some shells run what is in brackets
    nn='[0-9]{2,3}' n='(0|[1-9][0-9]{0,17})' entry='[0-9]{8,18}' entries='[0-9]{8,18}(,[0-9]{8,18})*'
    forms="#.*|(created|checkpoint) $n|(signature|timestamp) $nn $n $n $n $n|certificate [a-z0-9-]+ $n $n"
    forms="$forms|record (agreement|authority|voiding)/[a-z0-9-]+ $n|agreement $nn $entry|grounds $nn $entry"
    forms="$forms|agreed $entry $nn(,$nn)* $entries|letter power-[0-9a-z-]+ $nn|entry $entry"
    ! grep -qvxE "$forms" index.txt || fail "a line of index.txt has another form than lines have 索引中有格式不符的行"
    found=$({
        sed -nE 's/^((signature|timestamp|certificate|record|grounds|agreed|entry) [^ ]+).*/\1/p; s/^checkpoint .*/checkpoint/p' index.txt
        sed -n 's/^\(letter [^ ]*\) .*/\1/p' index.txt | sort -u
    })
    [ "$(echo "$found" | sort)" = "$(expected | sort)" ] || fail "index.txt does not go through all files 索引未列全文件"
    [ -e signatures/01.p7s ] || fail "there is no signature 没有任何签名"
    made=$(sed -n 's/.*"created":"\([0-9TZ:-]*\)","files":\[.*/\1/p' manifest.json)
    [ "$(date_of "$(created)")" = "$made" ] || fail "index.txt has another time than the manifest 索引时间与清单不符"
    pass "index.txt goes through all files 索引涵盖全部文件"
}

# date_of SECONDS: as the manifest writes it; RFC 3339 in UTC (civil date from days, proleptic Gregorian)
date_of() {
    awk -v seconds="$1" 'BEGIN {
        days = int(seconds / 86400); rest = seconds % 86400; z = days + 719468; era = int(z / 146097)
        doe = z - era * 146097
        yoe = int((doe - int(doe / 1460) + int(doe / 36524) - int(doe / 146096)) / 365)
        doy = doe - (365 * yoe + int(yoe / 4) - int(yoe / 100)); mp = int((5 * doy + 2) / 153)
        day = doy - int((153 * mp + 2) / 5) + 1; month = mp < 10 ? mp + 3 : mp - 9
        year = yoe + era * 400 + (month <= 2)
        printf "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day, int(rest / 3600), int(rest % 3600 / 60), rest % 60
    }'
}

carried='' numbered=''
check_files
check_manifest
check_index
check_contract
check_stampers
while read -r what one two three four five <&3; do
    case $what in
    created | '#'*) ;;
    signature) check_signature "$one" "$two" "$three" "$four" "$five" ;;
    timestamp) check_document_timestamp "$one" "$two" "$three" "$four" "$five" ;;
    certificate) check_certificate "$one" "$two" "$three" ;;
    record) check_record "$one" "$two" ;;
    agreement) check_agreement "$one" "$two" ;;
    agreed) check_agreed "$one" "$two" "$three" ;;
    grounds) check_grounds "$one" "$two" ;;
    letter) check_letter "$one" "$two" ;;
    checkpoint) check_log "$one" ;;
    entry) check_entry "$one" ;;
    *) fail "index.txt has an unknown line 未知的行: $what" ;;
    esac
done 3<index.txt
check_history
check_events
check_told
check_resting
check_given
echo "LIMIT whether what was added to the contract after a signature, up to its last byte, changed a page is"
echo "      not checked here. Have a program for signed PDFs verify contract/contract.signed.pdf as well."
echo "      每个签名只覆盖上列字节；此后追加的内容是否改动了页面，不在此处核验。请另用可核验 PDF 签名的程序"
echo "      核验 contract/contract.signed.pdf。"
echo "LIMIT README.*, history/*.pdf and verification/report.json are only there to be read, and so is local time in"
echo "      history.json. People and seals are named in their certificates; names and titles in the history, when things"
echo "      happened that nobody signed, which file was given (contract/contract.pdf), who used a seal, what was checked of"
echo "      identities, and that who names no power needed none, are the word of the portal alone."
echo "      README.*、history/*.pdf、verification/report.json 和 history.json 内的当地时间仅供阅读，未经核验。个人和印章的"
echo "      名称以证书为准；历史记录中的名称和标题、无人签名之事的时间、所提交的文件（contract/contract.pdf）、用印人、"
echo "      身份核验内容，以及未载明授权委托书者无需授权，仅以平台记录为凭。"
echo "PASS  everything in this package agrees 本包全部核验通过"
[ "$ca" != certificates/ca.pem ] ||
    echo "NOTE  by whom it was made is not proven: the root was the package's own 仅以包内根证书核验，未证明由谁出具"
