//! How to verify without this program.

use forewarn_evidence::Opened;

use crate::html::Html;
use crate::words::Say;

pub(crate) fn write(page: &mut Html, say: Say, opened: &Opened) {
    page.heading(say.pick("How to verify it yourself", "如何自行验证"));
    page.paragraph(say.pick(
        "This page proves nothing by itself: the bundle does. Go into its folder. With the program:",
        "本页面本身不能证明任何内容，证据包才能。请进入证据包文件夹。使用本程序：",
    ));
    page.raw("<pre>forewarn evidence verify . --trust authority.pem</pre>\n");
    page.paragraph(say.pick(
        "Without it, with sha256sum, jq and openssl alone: every file is the one that was sealed,",
        "不使用本程序，仅用 sha256sum、jq 和 openssl：每个文件都与封存时一致，",
    ));
    page.raw("<pre>jq -r '.files[] | \"\\(.sha256)  \\(.file)\"' manifest.json | sha256sum --check --strict</pre>\n");
    page.paragraph(say.pick("no file was added,", "没有添加文件，"));
    page.raw("<pre>diff &lt;(jq -r '.files[].file' manifest.json | sort) &lt;(ls -A | grep -vxE 'manifest(-[0-9]+)?\\.(json|sig)' | sort)</pre>\n");
    let is_signed = opened.manifest.as_ref().is_some_and(|manifest| manifest.device.is_some());
    if is_signed {
        page.paragraph(say.pick(
            "the manifest was signed by the key in signer.pem, and that key is the one printed above,",
            "清单由 signer.pem 中的密钥签名，且该密钥即上文所列，",
        ));
        page.raw("<pre>openssl x509 -in signer.pem -noout -pubkey &gt; device.pub\nopenssl pkeyutl -verify -pubin -inkey device.pub -rawin -in manifest.json -sigfile manifest.sig\nopenssl pkey -pubin -in device.pub -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \\n'; rm device.pub</pre>\n");
    }
    page.paragraph(say.pick(
        "and the manifest is the one printed above, which the platform was told as data.evidence.manifest_sha256:",
        "且清单即上文所列者，平台收到的 data.evidence.manifest_sha256 应与之相同：",
    ));
    page.raw("<pre>sha256sum manifest.json</pre>\n");
}
