<?php
// SimpleSAMLphp as an identity provider for tests: everything that is its own is in the directory that IDP_HOME names.
$home = getenv('IDP_HOME');
$config = [
    'baseurlpath' => 'http://127.0.0.1:' . getenv('IDP_PORT') . '/',
    'certdir' => "$home/",
    'loggingdir' => "$home/",
    'datadir' => "$home/",
    'tempdir' => "$home/tmp",
    'secretsalt' => 'for tests alone',
    'auth.adminpassword' => bin2hex(random_bytes(16)),
    'technicalcontact_name' => 'Tests',
    'technicalcontact_email' => 'tests@corp.example',
    'timezone' => 'UTC',
    'logging.handler' => 'file',
    'logging.level' => SimpleSAML\Logger::INFO,
    'enable.saml20-idp' => true,
    'session.cookie.secure' => false,
    'session.phpsession.savepath' => "$home/tmp",
    'store.type' => 'phpsession',
    'module.enable' => ['exampleauth' => true],
    'metadata.sources' => [['type' => 'flatfile', 'directory' => __DIR__ . '/metadata']],
];
