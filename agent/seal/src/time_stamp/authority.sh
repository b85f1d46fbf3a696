# Makes a time stamp authority in the current folder, for tests: `ca.pem` vouches for `tsa.pem`; `tsa.cnf` is for
# `openssl ts -reply`. $1: the words after `openssl genpkey -algorithm`.
cat > tsa.cnf <<'END'
[req]
distinguished_name = name
prompt = no
[name]
CN = Test authority
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[stamps]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = config
[config]
serial = ./serial
crypto_device = builtin
signer_cert = ./tsa.pem
certs = ./ca.pem
signer_key = ./tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1, millisecs:500
ordering = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
END
echo 01 > serial
openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca.key
openssl genpkey -quiet -algorithm $1 -out tsa.key
openssl req -new -x509 -config tsa.cnf -extensions ca -key ca.key -days 3650 -out ca.pem
openssl req -new -config tsa.cnf -key tsa.key -subj '/O=Tests/CN=Test stamps' -out tsa.csr
openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -set_serial 7 -days 3650 -extfile tsa.cnf -extensions stamps -out tsa.pem
