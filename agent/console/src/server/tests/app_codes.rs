//! Accounts that also ask for the codes of an authenticator app.

use forewarn_domain::clock::wall_now;
use serde_json::json;

use super::console::{PASSWORD, Scene, Visitor};

#[test]
fn an_account_with_an_app_asks_for_its_code_once_each_and_an_admin_helps_who_lost_it() {
    let scene = Scene::new();
    let admin = scene.admin();
    let told = scene.post(&admin, "/api/v1/session/totp", &json!({})).json();
    let secret = told["secret"].as_str().unwrap();
    assert!(told["uri"].as_str().unwrap().starts_with("otpauth://totp/Forewarn%20"), "{told}");
    let set = |code: &str, password: &str| {
        let body = json!({ "secret": secret, "code": code, "password": password }).to_string();
        scene.say(&admin, "PUT", "/api/v1/session/totp", &[], &body).status
    };
    let code = |steps: i64| {
        let now_s = wall_now().as_micros() / 1_000_000 + 30 * steps;
        crate::access::totp_for_tests(secret, now_s as u64)
    };
    assert_eq!((set("000000", PASSWORD), set(&code(0), "another three words")), (403, 403));
    assert_eq!(scene.get(&admin, "/api/v1/session").json()["has_totp"], false, "nothing was kept");
    assert_eq!(set(&code(0), PASSWORD), 204);
    let sign_in = |code: Option<String>| {
        let given = json!({ "name": "ann", "password": PASSWORD, "code": code });
        scene.post(&Visitor::default(), "/api/v1/session", &given)
    };
    let asked = sign_in(None);
    assert_eq!((asked.status, &asked.json()["needs_code"]), (401, &json!(true)));
    assert_eq!(sign_in(Some("000000".to_owned())).status, 401);
    let next = code(1);
    assert_eq!((sign_in(Some(next.clone())).status, sign_in(Some(next)).status), (200, 401), "no code is taken twice");
    assert_eq!(scene.get(&admin, "/api/v1/accounts").json()["accounts"][0]["has_totp"], true);
    assert_eq!(scene.say(&admin, "DELETE", "/api/v1/accounts/ann/totp", &[], "").status, 204);
    assert_eq!(sign_in(None).status, 200);
    let audit = scene.get(&admin, "/api/v1/audit").json().to_string();
    assert!(audit.contains("set an authenticator app up") && !audit.contains(secret), "{audit}");
}
