$TTL 3600
@                IN SOA ns1.dns.example. hostmaster.dns.example. 2026010101 7200 3600 1209600 3600
@                IN NS  ns1.dns.example.
*                IN A   185.53.12.80
