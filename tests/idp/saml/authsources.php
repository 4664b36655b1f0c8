<?php
// The people, by name and password, with their attributes: read anew for each request.
$people = json_decode(file_get_contents(getenv('IDP_HOME') . '/users.json'), true);
$users = [];
foreach ($people as $name => $attributes) {
    $users["$name:password"] = $attributes;
}
$config = ['people' => array_merge(['exampleauth:UserPass'], $users)];
